"""The files of a store of baselines and what their names mean; no file is ignored without an error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vitcnn.errors import BaselineError

NUMBERED = re.compile(r"(?P<number>\d{4,})_(?P<name>.+?)(-(?P<part>\d+)of(?P<of>\d+))?")
SUFFIX = ".json"


@dataclass(frozen=True, kw_only=True)
class FileName:
    """What a stored run's name says: `0007_NAME-2of5.json` is the second of the five runs of the recording NAME.

    What pytest-benchmark saves has no such part: `of` is 0 there.
    """

    number: int = 0
    name: str
    part: int = 0
    of: int = 0

    @classmethod
    def parse(cls, path: Path) -> FileName:
        """Read a path; a file that was named by hand is a recording of its own."""
        found = NUMBERED.fullmatch(path.stem)
        if not found:
            return cls(name=path.stem)
        numbers = {key: int(found[key] or 0) for key in ("number", "part", "of")}
        return cls(name=found["name"], **numbers)

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}-{self.part}of{self.of}{SUFFIX}"


def run_files(store: Path) -> list[Path]:
    """Return the stored runs below `store`; nothing where there is no such folder.

    Raises BaselineError for what looks like a stored run and would be passed over: behind a link to a folder or to
    nothing, with the suffix in capitals, or hidden.
    """
    found = []
    for path in store.rglob("*"):
        obstacle = _obstacle(path, store)
        if obstacle:
            do = "Put a visible file with the suffix .json there, or delete it."
            raise BaselineError(f"{path}: {obstacle}, so it would be ignored. {do}")
        if path.suffix == SUFFIX:
            found.append(path)
    return found


def _obstacle(path: Path, store: Path) -> str:
    if path.is_symlink() and not path.is_file():
        return "a link to a folder" if path.is_dir() else "a link to nothing"
    if path.suffix.lower() != SUFFIX:
        return ""
    if not path.is_file():
        return "not a file"
    if path.suffix != SUFFIX:
        return f"its suffix is {path.suffix}"
    hidden = any(part.startswith(".") for part in path.relative_to(store).parts)
    return "hidden" if hidden else ""


def require_complete(paths: Iterable[Path]) -> None:
    """Raise BaselineError where the files of one recording are not all the files that their names speak of."""
    paths = list(paths)
    names = [FileName.parse(path) for path in paths]
    of = max(entry.of for entry in names)
    if not of:
        return
    parts = Counter(entry.part for entry in names if entry.of == of)
    if len(names) == of and parts == Counter(range(1, of + 1)):
        return
    do = "Restore the others from git, or delete these and record again."
    listed = ", ".join(map(str, paths))
    raise BaselineError(f"the recording {names[0].name} has {of} runs, but only these are there: {listed}. {do}")
