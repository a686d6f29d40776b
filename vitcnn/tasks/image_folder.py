"""The user's own photographs as a task: a folder with one folder of images a class.

PATH/<class>/**/image: a fifth of each class is for testing, drawn by a hash of the file names, so the same at any time
and place; files of equal content stay together. PATH/train/<class>/**/image and PATH/test/<class>/**/image: split as
there; `val` is read where there is no `test`, and no other folder beside them; what lies in both is left out of
training. Hidden files and folders are not read.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from vitcnn.device import free_bytes_of_host
from vitcnn.errors import UserError
from vitcnn.spec import Data, InputShape, Progress, Split, Task
from vitcnn.tasks.cache import cached
from vitcnn.tasks.pictures import CHANGED, file_sha256, in_threads, pictures, reorder

VERSION = 2
"""Raised whenever the same files give other arrays than before."""

PX = 224
IMAGE_BYTES = 3 * PX * PX
TEST_SHARE = 0.2
MAX_NAME = 60
"""Characters of a folder's name in that of the file that is kept of it."""

MAX_SHOWN, MAX_RECORDED = 3, 20
"""How many images that are left out a message names, and a record."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif"})
"""Those of torchvision's ImageFolder, and GIF."""

LIKE_PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})
"""Classes of these names would tell the parts of a split apart."""

ALLOWED = "a folder with one folder of images a class, at least two, or with `train` and `test` folders of such"


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """What lies in the folder `path`: image `files`, relative to it and sorted, and the index of the class of each.

    `parts` are the folders for training and for testing, or "." alone where the split is drawn.
    """

    path: Path
    parts: tuple[str, ...]
    classes: tuple[str, ...]
    files: tuple[Path, ...] = field(repr=False)
    labels: np.ndarray = field(repr=False)

    @property
    def name(self) -> str:
        """The folder's own name, as far as a test id can hold it."""
        own = self.path.resolve().name or "root"
        plain = unicodedata.normalize("NFKD", own).encode("ascii", "ignore").decode()  # é is e
        safe = re.sub(r"[^A-Za-z0-9_.-]", "-", plain)
        lost = not any(character.isalnum() for character in safe)
        return hashlib.sha256(own.encode(errors="surrogateescape")).hexdigest()[:8] if lost else safe

    def paths(self) -> list[Path]:
        """Return where the files lie."""
        return [self.path / file for file in self.files]

    def file_name(self, number: int) -> str:
        """Return one of the files as text that can be written anywhere, whatever bytes its name is made of."""
        return _text(self.files[number].as_posix())


def folder_task(path: Path) -> Task:
    """Return the task of the folder `path`, whose files are listed, not opened. UserError says what it lacks."""
    try:
        folder = _listed(path.expanduser())
    except (OSError, RuntimeError) as error:  # RuntimeError: the home of no user
        raise _refusal(path, f"It cannot be listed: {error}.") from error
    drawn = len(folder.parts) == 1
    split = "a fifth of each class for testing" if drawn else f"split into {' and '.join(folder.parts)}"
    return Task(
        name=f"folder:{folder.name}",
        shape=InputShape(px=PX, channels=3, num_classes=len(folder.classes)),
        classes=tuple(_text(name) for name in folder.classes),
        loader=partial(load_folder, folder),
        source=f"{len(folder.files):,} images of the user's own, {split}",
        recipes="photos",
    )


def load_folder(folder: ImageFolder, data_root: Path, progress: Progress) -> Data:
    """Return the images, decoded once and then kept below `data_root`.

    Those that cannot be decoded are left out: a warning names some, `settings` more and their number. Another warning
    names files that are in several classes. UserError where a class keeps too few, or the images would not fit in
    memory.
    """
    _require_memory(folder)
    sums = sums_of(folder, progress)
    content = _content_sha256(folder, sums)
    path = data_root / "made" / f"folder-{folder.name[:MAX_NAME]}-{content[:16]}-v{VERSION}.npz"
    # kept with file numbers in place of labels, which also tell what was left out
    numbered = cached(path, lambda: _decoded(folder, sums, progress))
    train, test = numbered.train.labels, numbered.test.labels
    left_out = np.setdiff1d(np.arange(len(folder.files)), np.concatenate((train, test)))
    in_test = {sums[number]: folder.file_name(number) for number in test}
    copies = {folder.file_name(number): in_test[sums[number]] for number in left_out if sums[number] in in_test}
    unreadable = [name for name in map(folder.file_name, left_out) if name not in copies]
    if unreadable:
        _warn(folder, unreadable, "cannot be decoded and are left out", reasons=numbered.settings)
    if copies:
        same = {name: f"the same file as {other}" for name, other in copies.items()}
        _warn(folder, list(copies), "are in the test part too and are left out of training", reasons=same)
    doubtful = _of_several_classes(folder, sums, np.concatenate((train, test)))
    if doubtful:
        _warn(folder, list(doubtful), "are in several classes and are kept in each", reasons=doubtful)
    return Data(
        train=Split(images=numbered.train.images, labels=folder.labels[train]),
        test=Split(images=numbered.test.images, labels=folder.labels[test]),
        settings={
            "num_unreadable_images": len(unreadable),
            "unreadable_images": unreadable[:MAX_RECORDED],
            "num_images_of_both_parts": len(copies),
            "images_of_both_parts": list(copies)[:MAX_RECORDED],
            "content_sha256": content,
        },
    )


def _of_several_classes(folder: ImageFolder, sums: Sequence[str], numbers: np.ndarray) -> dict[str, str]:
    """Return those of the file `numbers` that are also in another class, each with the first such file, in words."""
    equal: dict[str, list[int]] = {}
    for number in sorted(numbers.tolist()):
        equal.setdefault(sums[number], []).append(number)
    found = {}
    for group in equal.values():
        for number in group:
            others = [other for other in group if folder.labels[other] != folder.labels[number]]
            if others:
                found[folder.file_name(number)] = f"the same file as {folder.file_name(others[0])}"
    return found


def _refusal(path: Path | str, do: str) -> UserError:
    return UserError(field="--task", value=f"folder:{path}", allowed=ALLOWED, do=do)


def _text(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _listed(root: Path) -> ImageFolder:
    parts = _parts(root)
    classes = _classes(root, parts)
    folders = [root / part / name for part in parts for name in classes]
    visited = {_identity(folder) for folder in (root, *(root / part for part in parts))}
    for folder in folders:
        if _identity(folder) in visited:
            raise _refusal(root, f"{folder} is a link to another of its folders: give each class its own.")
        visited.add(_identity(folder))
    files: list[Path] = []
    for folder in folders:
        images = _images(folder, visited)
        needed = 2 if len(parts) == 1 else 1
        if len(images) < needed:
            do = f"{folder} holds {len(images)} image files of at least {needed}: remove it, or add some that end in"
            raise _refusal(root, f"{do} {', '.join(sorted(SUFFIXES))}.")
        files += (image.relative_to(root) for image in images)
    files.sort()
    indices = {name: index for index, name in enumerate(classes)}
    labels = np.array([indices[file.parts[len(parts) - 1]] for file in files], dtype=np.int64)
    return ImageFolder(path=root, parts=parts, classes=classes, files=tuple(files), labels=labels)


def _parts(root: Path) -> tuple[str, ...]:
    there = _folders(root)
    misnamed = [name for name in there if name.lower() in LIKE_PARTS and name not in ("train", "test", "val")]
    if misnamed:
        raise _refusal(root, f"`{misnamed[0]}` looks like a part, not a class: name the parts `train` and `test`.")
    tests = [name for name in ("test", "val") if name in there]
    if "train" in there and tests:
        return ("train", tests[0])
    if "train" in there:
        raise _refusal(root, "It has `train`, but neither `test` nor `val`: add one, or move the classes up.")
    if tests:
        raise _refusal(root, f"It has `{tests[0]}`, but no `train`: add it, or rename `{tests[0]}` if it is a class.")
    return (".",)


def _classes(root: Path, parts: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the classes, at least two, which all `parts` must share."""
    by_part = {part: set(_folders(root / part)) for part in parts}
    shared = set.intersection(*by_part.values())
    extra = {part: sorted(names - shared) for part, names in by_part.items() if names - shared}
    if extra:
        lone = [f"{', '.join(names)} only in `{part}`" for part, names in extra.items()]
        raise _refusal(root, f"Classes {' and '.join(lone)}: both need the same.")
    if len(shared) < 2:
        found = f"one class folder, {', '.join(shared)}" if shared else "no class folders"
        raise _refusal(root, f"It has {found}: move the images of each class into a folder named after the class.")
    return tuple(sorted(shared))


def _entries(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _folders(folder: Path) -> list[str]:
    return [entry.name for entry in _entries(folder) if entry.is_dir()]


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _images(folder: Path, visited: set[tuple[int, int]]) -> list[Path]:
    """Return the image files below `folder`, links followed, but into no folder in `visited`; those entered join it."""
    found, waiting = [], [folder]
    while waiting:
        for entry in sorted(_entries(waiting.pop())):
            if entry.suffix.lower() in SUFFIXES:
                found.append(entry)
            elif entry.is_dir() and _identity(entry) not in visited:
                visited.add(_identity(entry))
                waiting.append(entry)
    return found


def _require_memory(folder: ImageFolder) -> None:
    count, available = len(folder.files), free_bytes_of_host()
    if count * IMAGE_BYTES > available:
        need = f"{count:,} images need {count * IMAGE_BYTES / 1e9:.3g} GB of memory"
        do = f"take at most {available // IMAGE_BYTES:,} images, or free memory."
        raise _refusal(folder.name, f"Its {need}, and {available / 1e9:.3g} GB are available: {do}")


def sums_of(folder: ImageFolder, progress: Progress) -> list[str]:
    """Return the SHA-256 of the content of every file, or in its place what keeps the file from being read."""
    return in_threads(file_sha256, folder.paths(), _told(folder, progress, "files read"))


def _told(folder: ImageFolder, progress: Progress, what: str) -> Callable[[int], None]:
    """Return what tells `progress` how many files of the folder are done."""
    total = len(folder.files)
    return lambda done: progress(done, total, f"folder:{folder.name}: {done:,}/{total:,} {what}")


def _content_sha256(folder: ImageFolder, sums: Sequence[str]) -> str:
    """Return the SHA-256 of the name and the SHA-256 of every file."""
    lines = (f"{folder.file_name(number)}\0{file_sum}\n" for number, file_sum in enumerate(sums))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _decoded(folder: ImageFolder, sums: Sequence[str], progress: Progress) -> Data:
    """Return the data with file numbers as labels, and as `settings` why others are left out, by file name."""
    images, reasons = pictures(folder.paths(), PX, _told(folder, progress, "images decoded"), sums=sums)
    changed = [folder.file_name(number) for number, reason in reasons.items() if reason == CHANGED]
    if changed:
        raise _refusal(folder.name, f"{changed[0]} changed while it was read: run again when nobody writes there.")
    decoded = np.setdiff1d(np.arange(len(folder.files)), list(reasons))
    test = _for_testing(folder, sums, decoded)
    train = np.setdiff1d(decoded, test)
    in_test = {sums[number] for number in test}
    copies = [number for number in train if sums[number] in in_test]
    train = np.setdiff1d(train, copies)
    _require_both(folder, train, test, {**reasons, **dict.fromkeys(copies, "the same file is in the other part")})
    reorder(images, [*train, *test, *copies, *reasons])
    end = len(train) + len(test)
    return Data(
        train=Split(images=images[: len(train)], labels=train),
        test=Split(images=images[len(train) : end], labels=test),
        settings={folder.file_name(number): reason for number, reason in reasons.items()},
    )


def _for_testing(folder: ImageFolder, sums: Sequence[str], numbers: np.ndarray) -> np.ndarray:
    """Return those of the file `numbers` that are for testing.

    Where it is drawn, files of equal content go together, by the name of the first of them; what lies in several
    classes is never for testing, since nobody knows which answer is right.
    """
    if len(folder.parts) > 1:
        return np.array([number for number in numbers if folder.files[number].parts[0] == folder.parts[1]], dtype=int)
    equal: dict[str, list[int]] = {}
    for number in numbers:
        equal.setdefault(sums[number], []).append(int(number))
    drawn = sorted(equal.values(), key=lambda group: hashlib.sha256(folder.file_name(group[0]).encode()).digest())
    sizes = np.bincount(folder.labels[numbers], minlength=len(folder.classes))
    wanted = [max(1, round(size * TEST_SHARE)) for size in sizes.tolist()]
    test: list[int] = []
    for group in drawn:
        (label, *others) = set(folder.labels[group].tolist())
        if not others and wanted[label] > 0:
            wanted[label] -= len(group)
            test += group
    return np.array(sorted(test, key=lambda number: folder.labels[number]), dtype=int)


def _require_both(folder: ImageFolder, train: np.ndarray, test: np.ndarray, reasons: Mapping[int, str]) -> None:
    """Raise UserError where a class has no image for training or none for testing."""
    for part, numbers in (("training", train), ("testing", test)):
        counts = np.bincount(folder.labels[numbers], minlength=len(folder.classes))
        label = int(counts.argmin())
        if counts[label] == 0:
            why = {folder.file_name(number): text for number, text in reasons.items() if folder.labels[number] == label}
            do = f"Class {folder.classes[label]} is left without an image for {part}: add some that differ"
            mend = f", or mend {_first(list(why), why)}" if why else ""
            raise _refusal(folder.name, f"{do}{mend}.")


def _warn(folder: ImageFolder, left_out: Sequence[str], what: str, reasons: Mapping[str, str]) -> None:
    counts = f"{len(left_out):,} of {len(folder.files):,} images"
    text = f"folder:{folder.name}: {counts} {what}: {_first(left_out, reasons)}"
    warnings.warn(text, stacklevel=3)


def _first(names: Sequence[str], reasons: Mapping[str, str]) -> str:
    """Return the first few of `names`, each with its reason where it is known: it is not kept with the arrays."""
    shown = [f"{name} ({reasons[name]})" if name in reasons else name for name in names[:MAX_SHOWN]]
    return ", ".join([*shown, "..."] if len(names) > MAX_SHOWN else shown)
