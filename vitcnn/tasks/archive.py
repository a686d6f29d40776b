"""Reads the archives of a task, verifies their checksums, and unpacks them completely or not at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from vitcnn.errors import UserError
from vitcnn.spec import RemoteFile, Task

LARGEST_BYTES = 1 << 28
"""More than any archive here has, or any file in one: of a larger one no more is read."""

Content = IO[bytes] | gzip.GzipFile


def members(task: Task, data_root: Path) -> dict[str, bytes]:
    """Return the content of each unpacked file, by its path below the data root: the very bytes that were checked.

    Those of which only the archive is there are unpacked in memory: nothing is written. UserError where one is damaged.
    """
    return {name: content for file in task.files for name, content in _members(task, file, data_root).items()}


def _members(task: Task, file: RemoteFile, data_root: Path) -> dict[str, bytes]:
    try:
        found = {
            name: checked(task, data_root / name, md5)
            for name, md5 in file.unpacks_to.items()
            if (data_root / name).is_file()
        }
        packed = [name for name in file.unpacks_to if name not in found]
        unpacked = unpack(task, file, data_root / file.path, packed) if packed else {}
    except OSError as error:
        raise _damaged(task, data_root / file.path, f"a file that can be read and unpacked ({error})") from error
    return {**found, **unpacked}


def checked(task: Task, path: Path, md5: str) -> bytes:
    """Return the content of a file, read once; UserError where its MD5 is another."""
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    found = md5_of(content)
    if found != md5:
        size = f"{path.stat().st_size:,} bytes"
        raise _damaged(task, path, f"the original, of MD5 {md5}; this one has {size} and MD5 {found}")
    return content


def unpack(task: Task, file: RemoteFile, archive: Path, names: Collection[str]) -> dict[str, bytes]:
    """Return the members `names` of an archive, each of them checked; UserError where it or one of them is damaged."""
    packed, found = io.BytesIO(checked(task, archive, file.md5)), {}
    try:
        for name, content in _contents(archive.name, packed, names):
            unpacked = content.read(LARGEST_BYTES + 1)
            if (md5 := md5_of(unpacked)) != file.unpacks_to[name]:
                raise _damaged(task, archive, f"an archive with {name} of MD5 {file.unpacks_to[name]}, not {md5}")
            found[name] = unpacked
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise _damaged(task, archive, f"an archive that can be unpacked ({error})") from error
    left = sorted(set(names) - found.keys())
    if left:
        raise _damaged(task, archive, f"an archive with {', '.join(left)}, which it does not contain")
    return found


def _contents(archive: str, packed: IO[bytes], names: Collection[str]) -> Iterator[tuple[str, Content]]:
    """Yield the wanted members in the archive's order. No name, link or mode in it is ever used on the disk."""
    if not archive.endswith(".tar.gz"):
        with gzip.open(packed) as only:
            yield from ((name, only) for name in names)  # there is one name
        return
    with tarfile.open(fileobj=packed, mode="r:gz") as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.isreg() and entry.name in names else None
            if content is not None:
                yield entry.name, content


def is_sound(path: Path, md5: str) -> bool:
    """Whether there is a file of this MD5."""
    return path.is_file() and file_md5(path) == md5


def file_md5(path: Path) -> str:
    """Return the MD5 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def md5_of(content: bytes) -> str:
    """Return the MD5 of bytes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _damaged(task: Task, path: Path, allowed: str) -> UserError:
    do = f"Run `vitcnn fetch {task.name}` to download it again."
    return UserError(field=task.name, value=str(path), allowed=allowed, do=do)
