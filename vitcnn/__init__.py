"""vitcnn: decide between Vision Transformers, CNNs and hybrids on your own hardware and data.

The nouns of a user's own benchmark are re-exported here; `docs/your-own-benchmark.md` shows them in use.
"""

from vitcnn.recipes import Recipe as Recipe
from vitcnn.spec import AccuracyCase as AccuracyCase
from vitcnn.spec import Architecture as Architecture
from vitcnn.spec import Case as Case
from vitcnn.spec import Data as Data
from vitcnn.spec import DataEfficiencyCase as DataEfficiencyCase
from vitcnn.spec import InputShape as InputShape
from vitcnn.spec import LatencyCase as LatencyCase
from vitcnn.spec import MemoryCase as MemoryCase
from vitcnn.spec import RobustnessCase as RobustnessCase
from vitcnn.spec import Split as Split
from vitcnn.spec import Task as Task
from vitcnn.spec import TiledCase as TiledCase
from vitcnn.spec import TrainingCase as TrainingCase
from vitcnn.takes import Takes as Takes
