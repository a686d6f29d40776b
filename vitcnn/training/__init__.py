"""fit(): trains a module by a recipe on data that lives on the device."""

from vitcnn.training.fit import TrainingHistory as TrainingHistory
from vitcnn.training.fit import fit as fit
from vitcnn.training.fit import predict as predict
from vitcnn.training.resident import Resident as Resident
from vitcnn.training.step import TrainingStep as TrainingStep
from vitcnn.training.step import adamw as adamw
