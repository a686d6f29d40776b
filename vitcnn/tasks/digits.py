"""1,797 real handwritten digits, which ship with scikit-learn: no download.

The split is fixed: of each digit, in the order of the file, every fifth image is for testing (355 images), the rest
for training (1,442). Writers are not marked in the file, so both parts may hold images by the same writer.
"""

from __future__ import annotations

import numpy as np

from vitcnn.spec import Data, InputShape, Split, Task

PX = 28
EVERY = 5


def load_digits(*_unused: object) -> Data:
    """Load the 8x8 images with values 0..16 and make them 28x28 uint8, bilinear, as MNIST is."""
    from PIL import Image
    from sklearn import datasets

    bunch = datasets.load_digits()
    small = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    resized = [Image.fromarray(image).resize((PX, PX), Image.Resampling.BILINEAR) for image in small]
    images = np.stack([np.asarray(image) for image in resized])[:, None]
    labels = bunch.target.astype(np.int64)
    in_test = every_fifth_of_each_class(labels)
    return Data(
        train=Split(images=images[~in_test], labels=labels[~in_test]),
        test=Split(images=images[in_test], labels=labels[in_test]),
    )


def every_fifth_of_each_class(labels: np.ndarray) -> np.ndarray:
    """Return a mask, bool (count,), of every fifth item of each class in the order given."""
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[EVERY - 1 :: EVERY]] = True
    return mask


DIGITS = Task(
    name="digits",
    shape=InputShape(px=PX, channels=1, num_classes=10),
    classes=tuple("0123456789"),
    loader=load_digits,
    recipes="digits",
    target_accuracy=0.98,
    source="UCI Optical recognition of handwritten digits (Alpaydin, Kaynak, 1998), scikit-learn's load_digits",
)
