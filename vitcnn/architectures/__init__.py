"""The catalogue of architectures: one file a family, one constant an entry, found by walking this package.

`timm/NAME` is any timm model. Nothing here imports timm or torch before a model is built or a timm name is looked up.
"""

import sys
from functools import cache

from vitcnn import catalogue
from vitcnn.architectures.any_timm import any_timm_model, is_timm
from vitcnn.errors import UnknownName
from vitcnn.spec import Architecture


@cache
def architectures() -> dict[str, Architecture]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Architecture)


@cache
def architecture(name: str) -> Architecture:
    """Return the catalogue's entry `name`, or the timm model of `timm/NAME`; UnknownName offers the nearest."""
    if is_timm(name):
        return any_timm_model(name)
    if name not in architectures():
        raise UnknownName(
            field="architecture", value=name, known=architectures(), also=("timm/NAME for any timm model",)
        )
    return architectures()[name]
