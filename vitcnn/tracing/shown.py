"""Defines what TensorBoard shows of a case; it needs nothing of TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PlainValue = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What TensorBoard shows of one case, or of the whole study.

    `scalars` are values by step and by tag, `texts` Markdown by tag, `images` PNG files' contents by tag. The
    hyper-parameters stand in one row with `metrics`, which are scalars too.
    """

    scalars: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, bytes] = field(default_factory=dict)
    hyperparameters: Mapping[str, PlainValue] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
