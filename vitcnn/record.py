"""What a run leaves behind: measurements, records, and the environment.

The `vitcnn` section of a run's JSON is described by `run.schema.json` beside this file; `SCHEMA` counts its changes:

1. the first;
2. a run says when it began and what of the suite was asked for (`started`, `selection`);
3. a record stands here alone, no longer in pytest-benchmark's `extra_info` too; which test images were right lies
   packed in a file that `files["answers"]` names; a run says which records are of an interrupted one (`resumed`);
4. `selection` says which recipes and how many seeds were asked for; the family `other`.

Files from schema `OLDEST` on are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import fastjsonschema

from vitcnn.documents import is_finite, read_json, require_sound
from vitcnn.errors import CaseOutcome, RecordError
from vitcnn.spec import Preset

SCHEMA, OLDEST = 4, 2

Better = Literal["higher", "lower"]
Outcome = Literal[
    "passed",
    "failed",
    "skipped",
    "out_of_memory",
    "diverged",
    "leaked",
    "interrupted",
    "not_run",
    "not_measured",
    "disabled",
    "deselected",
]
"""How a collected case ended. `interrupted`: while it ran; `not_run`: before its turn; `not_measured`: the test passed
without measuring; `disabled`: --benchmark-disable or xdist, so nothing was timed; `deselected`: by -k, -m or such."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

NEVER_RAN: frozenset[Outcome] = frozenset({"skipped", "not_run", "deselected"})
"""Outcomes of a case that was collected and then not begun."""

SPOILING_CLOCKS = frozenset({"hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown"})
"""Names in a record's `settings["clocks"]` that spoil its samples. A power cap set by software can be on for good."""

SMALLEST, LARGEST = 1e-30, 1e30
"""Sizes of samples: no clock and no counter gives others, and their squares, sums and ratios stay numbers."""

Status = Literal["ok"] | CaseOutcome


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

    @property
    def recipe(self) -> str:
        """The name of the recipe that it trained by; empty where it trained by none."""
        found = self.settings.get("recipe", "")
        return str(found["name"]) if isinstance(found, Mapping) else str(found)  # one that failed knows the name alone

    @property
    def throttled_by(self) -> tuple[str, ...]:
        """What held the GPU's clocks back so that the times mean nothing, in NVML's words; empty where nothing did."""
        return tuple(sorted(SPOILING_CLOCKS.intersection(self.settings.get("clocks", ()))))

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        fields = {name: value for name, value in asdict(self).items() if name != "folder"}
        document: dict[str, Any] = json.loads(json.dumps(fields, allow_nan=False))
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, folder: Path = Path()) -> Record:
        """Build the record that `to_json` wrote; RecordError says where a document is wrong."""
        validate(document, "record")
        return _record(document, folder)


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """How one collected case ended; `record` where it got as far as measuring.

    `place` is its file and function, as pytest names them: `benchmarks/test_memory.py::test_memory`. Files from before
    it was kept have an empty one.
    """

    id: str
    outcome: Outcome
    reason: str = ""
    record: Record | None = None
    place: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        record = self.record.to_json() if self.record else None
        return {
            "id": self.id,
            "place": self.place,
            "outcome": self.outcome,
            "reason": self.reason,
            "record": record,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, folder: Path = Path()) -> CaseResult:
        """Build the result that `to_json` wrote; RecordError says where a document is wrong."""
        validate(document, "case_result")
        return _case_result(document, folder)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a run was measured. Unknown is an empty string, never a guess."""

    device_key: str
    device: str
    gpu: str = ""
    driver: str = ""
    cuda: str = ""
    cpu: str
    num_threads: int
    python: str
    vitcnn: str
    torch: str
    torchvision: str
    timm: str
    peft: str
    numerics: Mapping[str, bool | str]
    git_commit: str = ""
    git_dirty: bool | None = None
    git_changes: str = ""

    @property
    def revision(self) -> str:
        """The commit, and a digest of what tracked files hold otherwise."""
        dirty = f" with uncommitted changes {self.git_changes[:7]}".rstrip() if self.git_dirty else ""
        return f"{self.git_commit[:7] or 'no commit'}{dirty}"

    def machine(self) -> dict[str, Any]:
        """Return the parts that belong to the machine and its software, not to the project's revision."""
        return {key: value for key, value in asdict(self).items() if not key.startswith("git_")}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of a suite was asked for; what the command line left out is not missing.

    `keyword` and `markers` are pytest's -k and -m; `paths` are files and node ids, relative to the root, and empty
    where whole folders were asked for. `num_seeds` is 0 where each case has its own.
    """

    preset: Preset = "full"
    architectures: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    num_seeds: int = 0
    keyword: str = ""
    markers: str = ""
    paths: tuple[str, ...] = ()

    @property
    def narrowed_by(self) -> str:
        """The part of the command line that left cases of the preset out; empty where it left out none."""
        parts = (
            *self.paths,
            *(f"--arch {name}" for name in self.architectures),
            *(f"--task {name}" for name in self.tasks),
            *(f"--recipe {name}" for name in self.recipes),
            *([f"--seeds {self.num_seeds}"] if self.num_seeds else ()),
            *(f"{option} {value!r}" for option, value in (("-k", self.keyword), ("-m", self.markers)) if value),
        )
        return " ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a suite: where it was measured, when it began (ISO 8601, UTC), and how every collected case ended.

    The gate may measure its suspects again in `more_runs` processes, all in all. `resumed` are the ids of the cases
    whose records were taken from an interrupted run: other processes measured them.
    """

    environment: Environment
    cases: tuple[CaseResult, ...]
    started: str = ""
    selection: Selection = field(default_factory=Selection)
    more_runs: int = 0
    resumed: tuple[str, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of the cases that passed."""
        return tuple(c.record for c in self.cases if c.record and c.outcome == "passed")

    @property
    def begun(self) -> frozenset[str]:
        """The ids of the cases that were begun, whatever became of them."""
        return frozenset(case.id for case in self.cases if case.outcome not in NEVER_RAN)

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON values: the top-level `vitcnn` section of a run's JSON."""
        return {
            "schema": SCHEMA,
            "started": self.started,
            "selection": json.loads(json.dumps(asdict(self.selection))),
            "more_runs": self.more_runs,
            "resumed": list(self.resumed),
            "environment": asdict(self.environment),
            "cases": [case.to_json() for case in self.cases],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, folder: Path = Path()) -> Run:
        """Build the run from a `vitcnn` section in `folder`; RecordError says where a document is wrong."""
        require_sound(document)
        document = _upgraded(document)
        validate(document, "run")
        _require_each_once(document["cases"])
        return cls(
            environment=Environment(**document["environment"]),
            cases=tuple(_case_result(case, folder) for case in document["cases"]),
            started=document["started"],
            selection=_selection(document["selection"]),
            more_runs=document["more_runs"],
            resumed=tuple(document["resumed"]),
        )


def _require_each_once(cases: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for case in cases:
        if case["id"] in seen:
            raise RecordError(f"cases: {case['id']!r} stands twice; a case of a run is measured once")
        seen.add(case["id"])


def _upgraded(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document of an older schema as one of this one; RecordError where it is too old, or newer."""
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if not isinstance(schema, int) or isinstance(schema, bool):
        return document
    if schema > SCHEMA:
        raise RecordError(f"schema: {schema} is newer than {SCHEMA}, which this vitcnn reads: upgrade vitcnn")
    if schema < OLDEST:
        raise RecordError(f"schema: {schema} is older than {OLDEST}, the oldest this vitcnn reads: measure again")
    if schema == SCHEMA:
        return document
    cases = document.get("cases")
    placed = [{"place": "", **case} if isinstance(case, dict) else case for case in cases or ()]
    later: dict[str, dict[str, Any]] = {
        "environment": {"git_changes": ""},
        "selection": {"recipes": [], "num_seeds": 0},
    }
    sections = {name: document.get(name) for name in later}
    upgraded = {name: {**later[name], **found} for name, found in sections.items() if isinstance(found, dict)}
    return {
        "more_runs": 0,
        "resumed": [],
        **document,
        "schema": SCHEMA,
        **upgraded,
        "cases": placed if isinstance(cases, list) else cases,
    }


def _record(document: Mapping[str, Any], folder: Path) -> Record:
    measurements = tuple(
        Measurement(**{**entry, "samples": tuple(entry["samples"])}) for entry in document["measurements"]
    )
    series = tuple(
        Series(**{**entry, "axes": tuple(entry["axes"]), "values": _as_tuple(entry["values"])})
        for entry in document["series"]
    )
    return Record(**{**document, "measurements": measurements, "series": series}, folder=folder)


def _case_result(document: Mapping[str, Any], folder: Path) -> CaseResult:
    record = document["record"]
    return CaseResult(**{**document, "record": _record(record, folder) if record else None})


def _selection(document: Mapping[str, Any]) -> Selection:
    return Selection(**{key: _as_tuple(value) for key, value in document.items()})


def load_run(path: Path | str) -> Run:
    """Read the run in a JSON file that `pytest benchmarks` wrote; RecordError names the file and what is wrong."""
    document = read_json(path)
    if not isinstance(document, dict) or "vitcnn" not in document:
        raise RecordError(f"{path}: has no top-level 'vitcnn' section: it was not written by a vitcnn run")
    try:
        return Run.from_json(document["vitcnn"], folder=Path(path).parent)
    except RecordError as error:
        raise RecordError(f"{path}: vitcnn: {error}") from error


def validate(document: Any, definition: str) -> None:
    """Check `document` against a definition of run.schema.json; RecordError names the field, the value, the rule."""
    try:
        _validator(definition)(document)
    except fastjsonschema.JsonSchemaException as refusal:
        raise RecordError(_what_is_wrong(document, definition) or str(refusal)) from None


@cache
def _schema(definition: str) -> dict[str, Any]:
    schema = json.loads(Path(__file__).with_name("run.schema.json").read_text(encoding="utf-8"))
    return {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}


@cache
def _validator(definition: str) -> Callable[[Any], Any]:
    validator: Callable[[Any], Any] = fastjsonschema.compile(_schema(definition))
    return validator


def _what_is_wrong(document: Any, definition: str) -> str:
    """Return the field, the value and the rule, in the words of jsonschema: slow, so only for what was refused."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(_schema(definition)).iter_errors(document))
    if error is None:
        return ""
    where = error.json_path.removeprefix("$").removeprefix(".") or definition
    got = f", got {error.instance!r}" if error.validator == "const" else ""
    return f"{where}: {error.message}{got}"


def _as_tuple(values: object) -> Any:
    if not isinstance(values, list):
        return values
    return tuple(_as_tuple(value) if isinstance(value, list) else value for value in values)
