"""The catalogue of corruptions of test images, as data: one constant each, found by walking this package.

They follow ImageNet-C (Hendrycks, Dietterich, arXiv 1903.12261) and MNIST-C (Mu, Gilmer, arXiv 1906.02337); where an
entry's strengths are not theirs, its `source` says so.
"""

import sys
from functools import cache

from vitcnn import catalogue
from vitcnn.corruptions.corruption import NUM_SEVERITIES as NUM_SEVERITIES
from vitcnn.corruptions.corruption import Corruption as Corruption
from vitcnn.corruptions.corruption import corrupted as corrupted


@cache
def corruptions() -> dict[str, Corruption]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Corruption)
