"""Prepares what a question measures, before anything is timed: device, data, model, subject and rounds.

`vitcnn/measuring/` takes over from here: it times and counts what is prepared, and makes the record.
"""

from vitcnn.bench.bench import Bench as Bench
from vitcnn.bench.bench import as_planned as as_planned
