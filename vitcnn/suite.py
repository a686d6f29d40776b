"""The folder of benchmarks to measure, and its cases, read without pytest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vitcnn.errors import UserError
from vitcnn.references import import_file
from vitcnn.spec import PRESETS, Case

DEFAULT_FOLDER = Path("benchmarks")

PACKAGE = Path(__file__).resolve().parent


def own_suite() -> Path:
    """Return the package's own suite: `vitcnn/_benchmarks` in a wheel, in a clone the folder beside the package."""
    packaged = PACKAGE / "_benchmarks"
    return packaged if packaged.is_dir() else PACKAGE.parent / DEFAULT_FOLDER


def default_suite() -> Path:
    """Return `benchmarks` where this folder has one with tests in it, else the package's own suite."""
    return DEFAULT_FOLDER if any(DEFAULT_FOLDER.rglob("test_*.py")) else own_suite()


def is_borrowed(path: Path, root: Path) -> bool:
    """Whether `path` names the package's own suite, or a file of it, for a project at `root` whose suite it is not.

    What is measured by it belongs to the project: so do its runs and its baselines.
    """
    return path.is_relative_to(own_suite()) and own_suite() != root.resolve() / DEFAULT_FOLDER


def declared_cases(file: str, cases: object) -> tuple[Case, ...]:
    """Return `cases`, the CASES of `file`; UserError where they are no tuple or list of different cases."""

    def refused(value: object, allowed: str, do: str) -> UserError:
        return UserError(field=f"CASES in {file}", value=value, allowed=allowed, do=do)

    if isinstance(cases, Case):
        raise refused(str(cases), "a tuple of cases", "Write a comma behind the case: CASES = (case,).")
    if not isinstance(cases, (tuple, list)):
        raise refused(cases, "a tuple of cases", "Write CASES = (LatencyCase(...), ...).")
    if not cases:
        raise refused(cases, "at least one case", "Write CASES = (LatencyCase(...), ...), or delete the file.")
    found: dict[str, Case] = {}
    for case in cases:
        if not isinstance(case, Case) or type(case) is Case:
            raise refused(case, "cases alone", "Write cases, such as LatencyCase(...).")
        if str(case) in found:
            raise refused(str(case), "each case once", "Its id is the key of a baseline: remove one of the two.")
        found[str(case)] = case
    return tuple(found.values())


def cases_in(folder: Path) -> list[Case]:
    """Return the CASES of every `test_*.py` in `folder`, file by file; UserError where there are none."""
    files = sorted(folder.glob("test_*.py"))
    found = [case for file in files for case in _cases_of(file)]
    if not found:
        do = "Run this in the project's root, or name the folder with --suite."
        raise UserError(field="--suite", value=str(folder), allowed="a folder of test_*.py with CASES", do=do)
    return found


def of_preset(cases: Iterable[Case], preset: str) -> list[Case]:
    """Return the cases that `preset` runs: its own and those of all smaller presets."""
    return [case for case in cases if PRESETS.index(case.preset) <= PRESETS.index(preset)]


def _cases_of(file: Path) -> list[Case]:
    try:
        module = import_file(file)
    except Exception as error:
        do = "Run it with pytest, which shows where."
        raise UserError(field="--suite", value=str(file), allowed="files that import", do=f"{error!r}. {do}") from error
    return list(declared_cases(file.name, module.CASES)) if hasattr(module, "CASES") else []
