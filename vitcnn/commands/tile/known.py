"""What `vitcnn tile` knows of the model that it runs, whichever way that was named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vitcnn.inference.tiling import FeatureMap
from vitcnn.spec import InputShape


@dataclass(frozen=True, kw_only=True)
class Known:
    """A model ready for tiles of `shape`, what its classes are called, and what the results say of it.

    `features` is its last feature map where a dense map is asked for, `batch` how many tiles it is given at once.
    `notes` are what the user is to know at once.
    """

    model: nn.Module
    shape: InputShape
    layout: torch.memory_format
    names: tuple[str, ...]
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    features: FeatureMap | None = None
    batch: int = 0
