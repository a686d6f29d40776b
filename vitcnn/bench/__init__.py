"""Where cases are measured and on what: the device and the data, the subject that a question prepares, its rounds."""

from vitcnn.bench.bench import Bench as Bench
from vitcnn.bench.bench import as_planned as as_planned
