"""What one case measured: measurements and series, and all that is needed to repeat them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from vitcnn.errors import CaseOutcome, RecordError
from vitcnn.record.json_documents import is_finite
from vitcnn.record.schema import validate

Better = Literal["higher", "lower"]

SPOILING_CLOCKS = frozenset({"hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown"})
"""Names in a record's `settings["clocks"]` that spoil its samples. A power cap set by software can be on for good."""

SMALLEST, LARGEST = 1e-30, 1e30
"""Sizes of samples: no clock and no counter gives others, and their squares, sums and ratios stay numbers."""

Status = Literal["ok"] | CaseOutcome

UNTRAINED = "untrained_sha256"
"""The setting that says what a user's model was before training, which is the same in each run of one revision."""

OF_A_METRIC = ("unit", "better", "tolerance")
"""Fields that nearly all measurements of a metric have in common: the JSON of a run says them once, in `metrics`."""

Metrics = Mapping[str, Mapping[str, Any]]
"""These fields of each metric, by its name: what a measurement in a file says that does not say them itself."""

NONE_SHARED: Metrics = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Samples of one metric. `tolerance` is the relative change that is not worth a red build."""

    metric: str
    unit: str
    better: Better
    tolerance: float
    samples: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.samples:
            raise RecordError(f"{self.metric}: no samples; a metric that was not measured has no Measurement")
        if not all(is_finite(sample) for sample in self.samples):
            raise RecordError(f"{self.metric}: samples must be finite numbers, got {list(self.samples)}")
        strange = [sample for sample in self.samples if sample and not SMALLEST <= abs(sample) <= LARGEST]
        if strange:
            raise RecordError(f"{self.metric}: samples must be 0, or of {SMALLEST:g} to {LARGEST:g}, got {strange}")
        if not 0 <= self.tolerance < 1:
            raise RecordError(f"{self.metric}: a tolerance is a share from 0, below 1, got {self.tolerance}")


@dataclass(frozen=True, kw_only=True)
class Series:
    """Numbers along named axes: a learning curve, predictions, a confusion matrix.

    `values` is nested as deep as `axes` is long; `axes` names them from the outside in.
    """

    name: str
    unit: str
    axes: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that one case measured, with all that is needed to repeat it in `settings`.

    `architecture` and `family` are empty strings where a user's own benchmark uses no architecture. `files` maps a name
    to a path relative to `folder`: that of the run's JSON, which is no part of what was measured.
    """

    case: str
    architecture: str
    family: str
    settings: Mapping[str, Any]
    status: Status
    measurements: tuple[Measurement, ...] = ()
    series: tuple[Series, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default=Path(), compare=False, repr=False)

    def samples(self, metric: str) -> tuple[float, ...]:
        """Return the samples of `metric`, or an empty tuple where the record has none."""
        return next((m.samples for m in self.measurements if m.metric == metric), ())

    def holds(self, metric: str, **settings: object) -> bool:
        """Whether it has `metric`, and these settings."""
        return settings.items() <= self.settings.items() and bool(self.samples(metric))

    @property
    def cell(self) -> str:
        """The case without its architecture: records of one cell can be compared. The case itself in older files."""
        return str(self.settings.get("cell", self.case))

    @property
    def recipe(self) -> str:
        """The name of the recipe that it trained by; empty where it trained by none."""
        return str(self.settings.get("recipe", ""))

    @property
    def throttled_by(self) -> tuple[str, ...]:
        """What held the GPU's clocks back so that the times mean nothing, in NVML's words; empty where nothing did."""
        return tuple(sorted(SPOILING_CLOCKS.intersection(self.settings.get("clocks", ()))))

    @property
    def energy_throttled_by(self) -> tuple[str, ...]:
        """What held the GPU's clocks back while energy was measured; empty where nothing did, or nobody knows."""
        reasons = self.settings.get("energy", {}).get("reasons", ())
        return tuple(sorted(SPOILING_CLOCKS.intersection(reasons))) if isinstance(reasons, Mapping) else ()

    def to_json(self, metrics: Metrics = NONE_SHARED) -> dict[str, Any]:
        """Return the record as JSON values; its measurements leave out what `metrics` says of theirs."""
        fields = {name: value for name, value in asdict(self).items() if name != "folder"}
        fields["measurements"] = [_without(metrics.get(m["metric"], {}), m) for m in fields["measurements"]]
        document: dict[str, Any] = json.loads(json.dumps(fields, allow_nan=False))
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, folder: Path = Path()) -> Record:
        """Build the record that `to_json` wrote; RecordError says where a document is wrong."""
        validate(document, "record")
        return record_of(document, folder)


def shared_by_metrics(records: Iterable[Record]) -> Metrics:
    """Return the unit, direction and tolerance that most measurements of each metric have."""
    found: defaultdict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for measurement in (entry for record in records for entry in record.measurements):
        found[measurement.metric][tuple(getattr(measurement, name) for name in OF_A_METRIC)] += 1
    return {name: dict(zip(OF_A_METRIC, found[name].most_common(1)[0][0], strict=True)) for name in sorted(found)}


def record_of(document: Mapping[str, Any], folder: Path, metrics: Metrics = NONE_SHARED) -> Record:
    """Build a record from a document that is sound, in a file that says `metrics`."""
    measurements = tuple(
        _measurement({**metrics.get(entry["metric"], {}), **entry}) for entry in document["measurements"]
    )
    series = tuple(
        Series(**{**entry, "axes": tuple(entry["axes"]), "values": as_tuple(entry["values"])})
        for entry in document["series"]
    )
    return Record(**{**document, "measurements": measurements, "series": series}, folder=folder)


def _without(shared: Mapping[str, Any], measurement: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in measurement.items() if name not in shared or shared[name] != value}


def _measurement(document: Mapping[str, Any]) -> Measurement:
    unsaid = [name for name in OF_A_METRIC if name not in document]
    if unsaid:
        raise RecordError(f"{document['metric']}: neither its measurement nor `metrics` says its {', '.join(unsaid)}")
    return Measurement(**{**document, "samples": tuple(document["samples"])})


def as_tuple(values: object) -> Any:
    """Return what JSON has as lists as tuples of tuples."""
    if not isinstance(values, list):
        return values
    return tuple(as_tuple(value) if isinstance(value, list) else value for value in values)
