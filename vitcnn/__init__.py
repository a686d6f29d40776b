"""vitcnn: decide between Vision Transformers, CNNs and hybrids on your own hardware and data.

The nouns of a user's own benchmark are re-exported here; `docs/your-own-benchmark.md` shows them in use.
"""

from vitcnn.questions.accuracy import AccuracyCase as AccuracyCase
from vitcnn.questions.data_efficiency import DataEfficiencyCase as DataEfficiencyCase
from vitcnn.questions.latency import LatencyCase as LatencyCase
from vitcnn.questions.memory import MemoryCase as MemoryCase
from vitcnn.questions.robustness import RobustnessCase as RobustnessCase
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
