"""vitcnn: decide between Vision Transformers, CNNs and hybrids on your own hardware and data.

The nouns of a user's own benchmark are re-exported here; `docs/your-own-benchmark.md` shows them in use. `measure` and
`table` measure a case from Python and show records: "From Python" in `docs/user-guide.md`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vitcnn.input_sizes import Takes as Takes
from vitcnn.questions.accuracy import AccuracyCase as AccuracyCase
from vitcnn.questions.adaptation import AdaptationCase as AdaptationCase
from vitcnn.questions.data_efficiency import DataEfficiencyCase as DataEfficiencyCase
from vitcnn.questions.defects import DefectsCase as DefectsCase
from vitcnn.questions.full_frame import FullFrameCase as FullFrameCase
from vitcnn.questions.latency import LatencyCase as LatencyCase
from vitcnn.questions.memory import MemoryCase as MemoryCase
from vitcnn.questions.robustness import RobustnessCase as RobustnessCase
from vitcnn.questions.sequence_latency import SequenceLatencyCase as SequenceLatencyCase
from vitcnn.questions.sequences import SequenceCase as SequenceCase
from vitcnn.questions.tiled import TiledCase as TiledCase
from vitcnn.questions.training import TrainingCase as TrainingCase
from vitcnn.recipes import Recipe as Recipe
from vitcnn.spec import Architecture as Architecture
from vitcnn.spec import Case as Case
from vitcnn.spec import Data as Data
from vitcnn.spec import InputShape as InputShape
from vitcnn.spec import Split as Split
from vitcnn.spec import Task as Task
from vitcnn.spec import TrainedCase as TrainedCase

if TYPE_CHECKING:
    from vitcnn.commands.table import table as table
    from vitcnn.measuring.alone import measure as measure

FROM_PYTHON = {"measure": "vitcnn.measuring.alone", "table": "vitcnn.commands.table"}
"""What is imported only when it is asked for: measuring needs torch, and `import vitcnn` does not."""


def __getattr__(name: str) -> Any:
    if name not in FROM_PYTHON:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(FROM_PYTHON[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *FROM_PYTHON})
