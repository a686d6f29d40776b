"""What a run leaves behind: measurements, records, runs and their environment."""

from vitcnn.record.record import UNTRAINED as UNTRAINED
from vitcnn.record.record import Better as Better
from vitcnn.record.record import Measurement as Measurement
from vitcnn.record.record import Record as Record
from vitcnn.record.record import Series as Series
from vitcnn.record.record import Status as Status
from vitcnn.record.run import CaseResult as CaseResult
from vitcnn.record.run import Environment as Environment
from vitcnn.record.run import Outcome as Outcome
from vitcnn.record.run import Run as Run
from vitcnn.record.run import Selection as Selection
from vitcnn.record.run import load_run as load_run
from vitcnn.record.schema import SCHEMA as SCHEMA
