"""Finds which files of a task are missing, and downloads them.

The layout is torchvision's, so folders that it made serve. Only whole, checked files ever get their final name.
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from vitcnn.errors import MissingData, UserError
from vitcnn.folders import write_whole
from vitcnn.spec import Progress, RemoteFile, Task
from vitcnn.tasks.archive import LARGEST_BYTES, file_md5, is_sound, unpack

TIMEOUT_S = 20
BLOCK_BYTES = 1 << 16
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416


class _Failed(Exception):
    """Why one address did not give a file."""


def missing_files(task: Task, data_root: Path) -> tuple[RemoteFile, ...]:
    """Return the files that are there neither as an archive nor unpacked. Looks at names alone, so it is quick."""
    return tuple(
        file
        for file in task.files
        if not (data_root / file.path).is_file() and not all((data_root / name).is_file() for name in file.unpacks_to)
    )


def ensure(task: Task, data_root: Path, progress: Progress) -> None:
    """Download the files that are missing, and leave those alone that are there.

    MissingData where they cannot be had, UserError where they cannot be written.
    """
    for file in missing_files(task, data_root):
        _fetch_file(task, file, data_root, progress)


def fetch(task: Task, data_root: Path, progress: Progress) -> None:
    """Download and unpack the files that are missing or damaged; `progress` counts the bytes of one archive.

    MissingData where they cannot be had, UserError where they cannot be written. What an interrupted download got
    stays in `<archive>.part`, and the next one goes on from there.
    """
    for file in task.files:
        _fetch_file(task, file, data_root, progress)


def _fetch_file(task: Task, file: RemoteFile, data_root: Path, progress: Progress) -> None:
    archive = data_root / file.path
    try:
        unsound = [name for name, md5 in file.unpacks_to.items() if not is_sound(data_root / name, md5)]
        if unsound and not is_sound(archive, file.md5):
            _download(task, file, data_root, progress)
        if unsound:
            for name, content in unpack(task, file, archive, unsound).items():
                write_whole(data_root / name, content)
    except OSError as error:
        allowed = f"a folder that can be written, with room for {file.path} ({error})"
        do = "Make room there, or name another folder with --data-root or $VITCNN_DATA."
        raise UserError(field="--data-root", value=str(data_root), allowed=allowed, do=do) from error


def _download(task: Task, file: RemoteFile, data_root: Path, progress: Progress) -> None:
    """Download the archive from the first address that gives it whole."""
    archive = data_root / file.path
    part = archive.with_name(f"{archive.name}.part")
    reasons = []

    def told(done: int, total: int) -> None:
        progress(done, total, f"{task.name}: {file.path}, {done / 1e6:,.1f}/{total / 1e6:,.1f} MB")

    for url in file.urls:
        try:
            _download_from(url, part, file.md5, told)
        except _Failed as error:
            reasons.append(f"{url}: {error}")
        else:
            part.replace(archive)
            return
    message = (
        f"{task.name}: {file.path} is not under {data_root} and cannot be downloaded ({'; '.join(reasons)}): run "
        f"`vitcnn fetch {task.name}` where there is a network, copy its data folder to this machine, and name the copy "
        "with --data-root or $VITCNN_DATA"
    )
    raise MissingData(task.name, message)


def _download_from(url: str, part: Path, md5: str, tell: Callable[[int, int], None]) -> None:
    """Complete `part` from `url`, from where it ends; _Failed says why it cannot be done."""
    resumed = part.is_file()
    _receive(url, part, tell)
    found = file_md5(part)
    if found == md5:
        return
    part.unlink()
    if not resumed:
        raise _Failed(f"its file has MD5 {found} instead of {md5}")
    _download_from(url, part, md5, tell)


def _receive(url: str, part: Path, tell: Callable[[int, int], None]) -> None:
    with _answer(url, part.stat().st_size if part.is_file() else 0) as answer:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab" if answer.status == PARTIAL_CONTENT else "wb") as file:
            done = file.tell()
            total = done + (answer.length or 0)  # no length, no total: then the MD5 alone tells
            while block := _block(answer):
                done += len(block)
                if done > LARGEST_BYTES:
                    raise _Failed(f"it sends more than {LARGEST_BYTES:,} bytes")
                file.write(block)
                tell(done, max(done, total))
    if done < total:
        raise _Failed(f"the connection ended after {done:,} of {total:,} bytes")


def _answer(url: str, start: int) -> Any:
    """Ask for the bytes from `start`, or for all where the server has none there."""
    headers = {"User-Agent": "vitcnn"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return urlopen(Request(url, headers=headers), timeout=TIMEOUT_S)
    except HTTPError as error:
        if start and error.code == RANGE_NOT_SATISFIABLE:
            return _answer(url, 0)
        raise _Failed(str(error)) from error
    except (OSError, HTTPException) as error:
        raise _Failed(str(error)) from error


def _block(answer: Any) -> bytes:
    try:
        return answer.read(BLOCK_BYTES)
    except (OSError, HTTPException) as error:  # apart from those of writing, which are also OSError
        raise _Failed(str(error)) from error
