"""fit(): trains a module by a recipe on data that lives on the device."""

from vitcnn.training.arranged import Arranged as Arranged
from vitcnn.training.fit import TrainingHistory as TrainingHistory
from vitcnn.training.fit import fit as fit
from vitcnn.training.fit import num_batches as num_batches
from vitcnn.training.objectives import CLASSIFICATION as CLASSIFICATION
from vitcnn.training.objectives import OBJECTIVES as OBJECTIVES
from vitcnn.training.objectives import Objective as Objective
from vitcnn.training.optimizers import optimizers as optimizers
from vitcnn.training.predict import predict as predict
from vitcnn.training.resident import Resident as Resident
from vitcnn.training.resident import shrunk_split as shrunk_split
from vitcnn.training.source import Source as Source
from vitcnn.training.step import TrainingStep as TrainingStep
from vitcnn.training.streamed import Streamed as Streamed
from vitcnn.training.streamed import source_of as source_of
