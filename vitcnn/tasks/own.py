"""A user's own data as a task: `--task FILE.py:NAME`.

NAME is a `Task`, or a function without arguments that returns two data sets, for training and for testing. These are
map-style: torch's and torchvision's, whose items are (image, label), or Hugging Face's, whose items are dictionaries.
An image is a Pillow image, or an array or tensor, (height, width), (height, width, channels) or (channels, height,
width), of uint8 or of floats from 0 to 1. The function is called once, before anything is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vitcnn.errors import UserError, VitcnnError
from vitcnn.references import load_reference, offered, raised
from vitcnn.spec import Data, InputShape, Progress, Split, Task
from vitcnn.tasks.pictures import square

ALLOWED = "a Task, or a function without arguments that returns two data sets, train and test"
ITEM = "items (image, label), or dictionaries with an image and a label"
IMAGE = (
    "Pillow images, and arrays or tensors (height, width), (height, width, channels) or (channels, height, width) "
    "with 1 or 3 channels, of uint8 or of floats from 0 to 1"
)
LABEL = "labels that are whole numbers from 0"
IMAGE_KEYS, LABEL_KEYS = ("image", "img"), ("label", "labels", "fine_label")

KEPT_PX = (28, 32, 224)
"""Square images of these sizes stay as they are; others are resized to the last, and cropped."""

REPORT_EVERY = 50
MAX_SHOWN = 3
LEAST_CLASSES = 2
PARTS = ("train", "test")

READ_TWICE = 8
"""The first few images of each part are read twice: a random transform would show."""


@dataclass(frozen=True, kw_only=True)
class OwnData:
    """The two data sets that a user's function returned, and what an error calls them."""

    name: str
    file: str
    train: Any
    test: Any

    def refusal(self, part: str, number: int, value: object, allowed: str, do: str) -> UserError:
        """Return the error that names an item."""
        return UserError(field=f"--task {self.name}: item {number} of {part}", value=value, allowed=allowed, do=do)


GROUP = "vitcnn.tasks"
"""The entry points by which packages offer tasks."""


def offered_task(name: str) -> Task:
    """Return the task that a package offers as `name`, which ids show; UserError as `own_task`."""
    return replace(own_task(offered(GROUP)[name]), name=name)


def own_task(text: str) -> Task:
    """Return the task of `FILE.py:NAME`, by the name that ids show.

    Opens the first image of each part and reads the labels. UserError for what is not there or cannot be used.
    """
    found = load_reference("--task", text, is_fit=is_fit, allowed=ALLOWED)
    if isinstance(found.value, Task):
        return replace(found.value, name=str(found), loader=partial(load_checked, found.value, found.file))
    try:
        parts = found.value()
    except Exception as error:
        do = f"Calling it raised {raised(error, found.file)}."
        raise UserError(field="--task", value=str(found), allowed=ALLOWED, do=do) from error
    data = OwnData(name=str(found), file=found.file, **_two(str(found), parts))
    shape, classes = _shape(data), _classes(data)
    return Task(
        name=data.name,
        shape=replace(shape, num_classes=len(classes)),
        classes=classes,
        loader=partial(load_own, data, shape, classes),
        source=f"{len(data.train) + len(data.test):,} images of the user's own",
        recipes="digits" if (shape.px, shape.channels) == (28, 1) else "photos",
    )


def is_fit(value: object) -> bool:
    """Whether `value` can stand for a task."""
    return isinstance(value, Task) or callable(value)


def load_own(data: OwnData, shape: InputShape, classes: Sequence[str], _data_root: Path, progress: Progress) -> Data:
    """Return the images as uint8; training images that are also test images are left out, and counted in `settings`.

    UserError names the first item that cannot be used.
    """
    for part in PARTS:
        _require_same_twice(data, part)
    train, test = (_split(data, part, shape, progress) for part in PARTS)
    tested = {image.tobytes() for image in test.images}
    is_copy = np.array([image.tobytes() in tested for image in train.images])
    kept = Split(images=train.images[~is_copy], labels=train.labels[~is_copy])
    found = Data(train=kept, test=test, settings={"num_images_of_both_parts": int(is_copy.sum())})
    _require_labels(data.name, classes, found)
    return found


def _require_same_twice(data: OwnData, part: str) -> None:
    """Raise UserError where an image is another one when it is read again."""
    for number in range(min(READ_TWICE, len(getattr(data, part)))):
        first, second = (_image(data, part, number) for _ in range(2))
        if not np.array_equal(first, second):
            do = "Leave out random transforms: vitcnn augments training images itself, anew in each epoch."
            allowed = "the same image each time it is read"
            raise data.refusal(part, number, "another image at the second reading", allowed, do)


def load_checked(task: Task, file: str, data_root: Path, progress: Progress) -> Data:
    """Return what the loader of a user's Task returns; UserError where that is not what the task says."""
    try:
        found = task.loader(data_root, progress)
    except VitcnnError:
        raise
    except Exception as error:
        do = f"It raised {raised(error, file)}."
        raise UserError(field="--task", value=task.name, allowed="a loader that returns Data", do=do) from error
    expected = (task.shape.channels, task.shape.px, task.shape.px)
    for part in PARTS:
        images: Any = getattr(getattr(found, part, None), "images", None)
        is_array = isinstance(images, np.ndarray)
        if not is_array or images.dtype != np.uint8 or images.shape[1:] != expected or not len(images):
            got = f"{images.dtype} {images.shape}" if is_array else _kind(images)
            allowed = f"uint8 (count, {', '.join(map(str, expected))})"
            raise UserError(field=f"--task {task.name}: {part}", value=got, allowed=allowed, do="Correct the loader.")
    _require_labels(task.name, task.classes, found)
    return found


def _require_labels(name: str, classes: Sequence[str], data: Data) -> None:
    """Raise UserError where there is one class alone, a label stands for none, or a part has no image of one."""
    if len(classes) < LEAST_CLASSES:
        do = "Classification needs at least two classes."
        raise UserError(field=f"--task {name}", value=len(classes), allowed="two classes or more", do=do)
    for part, labels in zip(PARTS, (data.train.labels, data.test.labels), strict=True):
        field = f"--task {name}: {part}"
        if len(labels) == 0:
            do = "All of its images are in the other part too: return two different parts."
            raise UserError(field=field, value="no image", allowed="images that the other part does not have", do=do)
        if not isinstance(labels, np.ndarray) or labels.dtype != np.int64:
            raise UserError(field=field, value=_kind(labels), allowed="labels int64 (count,)", do="Correct the loader.")
        if labels.min() < 0 or labels.max() >= len(classes):
            wrong = labels[(labels < 0) | (labels >= len(classes))][0]
            raise UserError(field=field, value=int(wrong), allowed=f"labels 0 to {len(classes) - 1}", do="Correct it.")
        empty = [classes[label] for label in np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0).tolist()]
        if empty:
            which = f"There are none of {', '.join(empty[:MAX_SHOWN])} ({len(empty)} of {len(classes)} classes)"
            do = f"{which}, without images that both parts have. Add some, or number the classes from 0 without gaps."
            raise UserError(field=field, value=empty[0], allowed="images of every class", do=do)


def _two(name: str, parts: object) -> dict[str, Any]:
    if not isinstance(parts, Sequence) or len(parts) != len(PARTS):
        do = f"It returned {_kind(parts)}."
        raise UserError(field="--task", value=name, allowed=ALLOWED, do=do)
    for part, items in zip(PARTS, parts, strict=True):
        if not hasattr(items, "__len__") or not hasattr(items, "__getitem__"):
            do = f"Its {part} is {_kind(items)}, which does not support len() and indexing."
            raise UserError(field="--task", value=name, allowed="map-style data sets", do=do)
        if len(items) == 0:
            raise UserError(field="--task", value=name, allowed="data sets with images", do=f"Its {part} is empty.")
    return dict(zip(PARTS, parts, strict=True))


def _kind(value: object) -> str:
    return f"{len(value)} values" if isinstance(value, (tuple, list)) else f"an object of type {type(value).__name__}"


def _shape(data: OwnData) -> InputShape:
    """Return the shape of the images, by the first for training; `num_classes` is yet to be counted."""
    first = _image(data, "train", 0)
    channels, height, width = first.shape
    px = height if height == width and height in KEPT_PX else KEPT_PX[-1]
    return InputShape(px=px, channels=channels if px in KEPT_PX[:-1] else 3, num_classes=0)


def _classes(data: OwnData) -> tuple[str, ...]:
    """Return the names of the classes: those that the data set knows, or the labels' own numbers."""
    names = getattr(data.train, "classes", None) or _named_by_features(data.train)
    if names:
        return tuple(map(str, names))
    largest = max(_labels(data, part).max() for part in PARTS)
    return tuple(map(str, range(largest + 1)))


def _named_by_features(items: Any) -> Sequence[str]:
    features = getattr(items, "features", None)
    if not isinstance(features, Mapping):
        return ()
    return next((features[key].names for key in LABEL_KEYS if hasattr(features.get(key), "names")), ())


def _labels(data: OwnData, part: str) -> np.ndarray:
    """Return all labels, without opening images where the data set has them apart."""
    items = getattr(data, part)
    apart = getattr(items, "targets", getattr(items, "labels", None))
    values = apart if apart is not None else (_item(data, part, number)[1] for number in range(len(items)))
    return np.array([_label(data, part, number, value) for number, value in enumerate(values)], dtype=np.int64)


def _label(data: OwnData, part: str, number: int, value: Any) -> int:
    try:
        label = int(value)
    except (TypeError, ValueError):
        label = -1
    if label < 0 or label != value:
        raise data.refusal(part, number, value, LABEL, "Number the classes, from 0.")
    return label


def _item(data: OwnData, part: str, number: int) -> tuple[Any, Any]:
    try:
        item = getattr(data, part)[number]
    except Exception as error:
        do = f"It raised {raised(error, data.file)}."
        raise data.refusal(part, number, "none", ITEM, do) from error
    if isinstance(item, Mapping):
        found = [next((item[key] for key in names if key in item), None) for names in (IMAGE_KEYS, LABEL_KEYS)]
        if any(value is None for value in found):
            do = f"Name the keys {IMAGE_KEYS[0]} and {LABEL_KEYS[0]}."
            raise data.refusal(part, number, sorted(item), ITEM, do)
        return found[0], found[1]
    if not isinstance(item, Sequence) or len(item) != 2:
        raise data.refusal(part, number, _kind(item), ITEM, "Return the image and its label.")
    return item[0], item[1]


def _image(data: OwnData, part: str, number: int) -> np.ndarray:
    """Return an image, uint8 (channels, height, width) with 1 or 3 channels."""
    value, _ = _item(data, part, number)
    if hasattr(value, "getbands"):  # Pillow's
        value = np.asarray(value if value.mode in ("L", "RGB") else value.convert("RGB"))
    array = np.asarray(value)
    if array.ndim == 2:
        array = array[None]
    elif array.ndim == 3 and array.shape[0] not in (1, 3) and array.shape[2] in (1, 3):
        array = array.transpose(2, 0, 1)
    if array.ndim != 3 or array.shape[0] not in (1, 3) or 0 in array.shape:
        kind = f"{type(value).__name__} of shape {array.shape}"
        raise data.refusal(part, number, kind, IMAGE, "Return one of these.")
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating) or not (array.min() >= 0 and array.max() <= 1):
        found = f"{array.dtype} from {array.min():g} to {array.max():g}"
        do = "Leave out Normalize: vitcnn scales images to -1..1 itself."
        raise data.refusal(part, number, found, IMAGE, do)
    return np.round(array * 255).astype(np.uint8)


def _split(data: OwnData, part: str, shape: InputShape, progress: Progress) -> Split:
    total = len(getattr(data, part))
    images = np.empty((total, shape.channels, shape.px, shape.px), dtype=np.uint8)
    for number, image in enumerate(_fitted(data, part, shape)):
        images[number] = image
        if (number + 1) % REPORT_EVERY == 0 or number + 1 == total:
            progress(number + 1, total, f"{data.name}: {number + 1:,}/{total:,} {part} images read")
    return Split(images=images, labels=_labels(data, part))


def _fitted(data: OwnData, part: str, shape: InputShape) -> Iterator[np.ndarray]:
    for number in range(len(getattr(data, part))):
        image = _image(data, part, number)
        if image.shape[1:] != (shape.px, shape.px):
            if shape.px != KEPT_PX[-1]:
                do = f"The first has {shape.px} px, so all must have: resize them to one size."
                raise data.refusal(part, number, f"{image.shape[2]}x{image.shape[1]} px", "images of one size", do)
            image = square(image, shape.px)
        if len(image) != shape.channels:
            if shape.channels == 1:
                raise data.refusal(part, number, "3 channels", "1 channel, as in the first image", "Convert it.")
            image = np.repeat(image, shape.channels, axis=0)
        yield image
