"""One run of a suite: where it was measured, what of the suite was asked for, and how every case ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from vitcnn.errors import RecordError
from vitcnn.record.json_documents import read_json, require_sound
from vitcnn.record.record import NONE_SHARED, Metrics, Record, as_tuple, record_of, shared_by_metrics
from vitcnn.record.schema import SCHEMA, upgraded, validate
from vitcnn.spec import Preset

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


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """How one collected case ended; `record` where it got as far as measuring.

    `place` is its file and function, as pytest names them: `benchmarks/test_memory.py::test_memory`. Files from before
    it was kept have an empty one. `wall_s` are the seconds of its whole test: building, warming up, measuring, testing.
    It is None where the case did not run, or is in a file from before it was kept.
    """

    id: str
    outcome: Outcome
    reason: str = ""
    record: Record | None = None
    place: str = ""
    wall_s: float | None = None

    def to_json(self, metrics: Metrics = NONE_SHARED) -> dict[str, Any]:
        """Return the result as JSON values; measurements leave out what `metrics` says of theirs."""
        record = self.record.to_json(metrics) if self.record else None
        return {
            "id": self.id,
            "place": self.place,
            "outcome": self.outcome,
            "reason": self.reason,
            "record": record,
            "wall_s": self.wall_s,
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
    where whole folders were asked for. `num_seeds` is 0 where each case has its own,
    and `weights` is empty.
    """

    preset: Preset = "full"
    architectures: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    weights: str = ""
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
            *(f"--recipe {name.removeprefix(',')}" for name in self.recipes),
            *([f"--weights {self.weights}"] if self.weights else ()),
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
        metrics = shared_by_metrics(case.record for case in self.cases if case.record)
        return {
            "schema": SCHEMA,
            "started": self.started,
            "selection": json.loads(json.dumps(asdict(self.selection))),
            "more_runs": self.more_runs,
            "resumed": list(self.resumed),
            "environment": asdict(self.environment),
            "metrics": metrics,
            "cases": [case.to_json(metrics) for case in self.cases],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, folder: Path = Path()) -> Run:
        """Build the run from a `vitcnn` section in `folder`; RecordError says where a document is wrong."""
        require_sound(document)
        document = upgraded(document)
        validate(document, "run")
        _require_each_once(document["cases"])
        return cls(
            environment=Environment(**document["environment"]),
            cases=tuple(_case_result(case, folder, document["metrics"]) for case in document["cases"]),
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


def _case_result(document: Mapping[str, Any], folder: Path, metrics: Metrics = NONE_SHARED) -> CaseResult:
    record = document["record"]
    return CaseResult(**{**document, "record": record_of(record, folder, metrics) if record else None})


def _selection(document: Mapping[str, Any]) -> Selection:
    return Selection(**{key: as_tuple(value) for key, value in document.items()})


def load_run(path: Path | str) -> Run:
    """Read the run in a JSON file that `pytest benchmarks` wrote; RecordError names the file and what is wrong."""
    document = read_json(path)
    if not isinstance(document, dict) or "vitcnn" not in document:
        raise RecordError(f"{path}: has no top-level 'vitcnn' section: it was not written by a vitcnn run")
    try:
        return Run.from_json(document["vitcnn"], folder=Path(path).parent)
    except RecordError as error:
        raise RecordError(f"{path}: vitcnn: {error}") from error
