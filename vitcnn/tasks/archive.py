"""Archives of a task: unpacked whole, checked or not at all, and read where they lie."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from vitcnn.errors import UserError
from vitcnn.spec import RemoteFile, Task

BLOCK_BYTES = 1 << 16
Content = IO[bytes] | gzip.GzipFile


@contextmanager
def members(task: Task, data_root: Path) -> Iterator[dict[str, Path]]:
    """Give where each unpacked file lies, by its path below the data root, all of them checked.

    Those of which only the archive is there are unpacked to a temporary folder: nothing is written to the data root.
    UserError where one is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield {name: path for file in task.files for name, path in _members(task, file, data_root, Path(folder))}


def _members(task: Task, file: RemoteFile, data_root: Path, elsewhere: Path) -> Iterator[tuple[str, Path]]:
    packed = [name for name in file.unpacks_to if not (data_root / name).is_file()]
    try:
        if packed:
            unpack(task, file, data_root / file.path, packed, elsewhere)
        for name, md5 in file.unpacks_to.items():
            path = (elsewhere if name in packed else data_root) / name
            if name not in packed and (found := md5_of(path)) != md5:
                size = f"{path.stat().st_size:,} bytes"
                raise _damaged(task, path, f"the original, of MD5 {md5}; this one has {size} and MD5 {found}")
            yield name, path
    except OSError as error:
        raise _damaged(task, data_root / file.path, f"a file that can be read and unpacked ({error})") from error


def unpack(task: Task, file: RemoteFile, archive: Path, names: Collection[str], into: Path) -> None:
    """Unpack the members `names` below `into`, each whole, checked or not at all; UserError where one is damaged."""
    left = set(names)
    try:
        for name, content in _contents(archive, names):
            found = _write(content, into / name, file.unpacks_to[name])
            if found != file.unpacks_to[name]:
                raise _damaged(task, archive, f"an archive with {name} of MD5 {file.unpacks_to[name]}, not {found}")
            left.discard(name)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise _damaged(task, archive, f"an archive that can be unpacked ({error})") from error
    if left:
        raise _damaged(task, archive, f"an archive with {', '.join(sorted(left))}, which it does not hold")


def _contents(archive: Path, names: Collection[str]) -> Iterator[tuple[str, Content]]:
    """Yield the wanted members in the archive's order. No name, link or mode in it is ever used on the disk."""
    if not archive.name.endswith(".tar.gz"):
        with gzip.open(archive) as only:
            yield from ((name, only) for name in names)  # there is one name
        return
    with tarfile.open(archive, "r:gz") as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.isreg() and entry.name in names else None
            if content is not None:
                yield entry.name, content


def _write(content: Content, path: Path, md5: str) -> str:
    """Write `content` to `path` if its MD5 is `md5`; return the MD5 it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        partial = Path(folder, path.name)
        with partial.open("wb") as file:
            while block := content.read(BLOCK_BYTES):
                file.write(block)
        found = md5_of(partial)
        if found == md5:
            partial.replace(path)
    return found


def is_sound(path: Path, md5: str) -> bool:
    """Whether there is a file of this MD5."""
    return path.is_file() and md5_of(path) == md5


def md5_of(path: Path) -> str:
    """Return the MD5 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _damaged(task: Task, path: Path, allowed: str) -> UserError:
    do = f"Run `vitcnn fetch {task.name}` to get it anew."
    return UserError(field=task.name, value=str(path), allowed=allowed, do=do)
