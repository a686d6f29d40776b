"""Which images make which sequence: the generator that the study published, and a sampler without its faults.

Both return `members`, int64 (count, places), the images of each sequence by their places in a part of a task, -1 behind
the last, and `labels`, int64 (count,). `digits`, int64 (images,), are the labels of the images. Where there is an
anchor, it is the first member.

Source: github.com/kobybibas/vit_for_mnist, commit a1d445c, 2025-09-09.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np

Sequences = tuple[np.ndarray, np.ndarray]
"""Members and labels."""

LONGEST = 10
"""Images of the longest sequence for training, without the anchor."""


def published_lengths(count: int) -> np.ndarray:
    """Return how many images each of the first `count` sequences of the study has: 10, 4, 8, 2, 9, 7, ..."""
    return np.fromiter((crc32(str(place).encode()) % LONGEST + 1 for place in range(count)), np.int64, count)


def published_sums(digits: np.ndarray, order: np.ndarray) -> Sequences:
    """Return the study's sequences of images in `order`, and the sums of their digits.

    Each image starts one of consecutive images, all but the last ten.
    """
    members = _runs(order, first=0)
    return members, _sums(digits, members)


def published_anchors(digits: np.ndarray, order: np.ndarray) -> Sequences:
    """Return the study's anchors with their sequences, of images in `order`, and whether the anchor's digit occurs.

    Each image is the anchor of the consecutive images behind it, all but the last eleven.
    """
    behind = _runs(order, first=1)
    anchors = order[: len(behind), None]
    occurs = ((digits[behind] == digits[anchors]) & (behind >= 0)).any(axis=1)
    return np.hstack((anchors, behind)), occurs.astype(np.int64)


def drawn_sums(digits: np.ndarray, shortest: int, longest: int, seed: int) -> Sequences:
    """Return as many sequences as there are images, and the sums of their digits: same seed, same sequences.

    Lengths are uniform, and images are drawn uniformly with replacement.
    """
    generator = np.random.default_rng(seed)
    lengths = generator.integers(shortest, longest, len(digits), endpoint=True)
    members = _cut(generator.integers(len(digits), size=(len(digits), longest)), lengths)
    return members, _sums(digits, members)


def drawn_anchors(digits: np.ndarray, shortest: int, longest: int, seed: int) -> Sequences:
    """Return as many anchors with sequences as there are images, and whether the anchor's digit occurs: in half of all.

    Lengths are uniform, whatever the label, and images are drawn uniformly with replacement, never the anchor itself:
    where the digit does not occur, of the others alone. Where it does and none was drawn, an image of it takes one
    place, any. Each digit needs two images. Same seed, same sequences.
    """
    generator = np.random.default_rng(seed)
    count = len(digits)
    by_digit = np.argsort(digits, kind="stable")  # so the images of a digit, and an anchor, are gaps in a range
    places = generator.integers(count, size=count)  # of the anchors in `by_digit`
    anchored = digits[by_digit[places]]
    starts, ends = (np.searchsorted(digits[by_digit], anchored, side=side) for side in ("left", "right"))
    labels = generator.permutation(count) % 2
    lengths = generator.integers(shortest, longest, count, endpoint=True)

    gap_starts, gap_ends = np.where(labels, places, starts)[:, None], np.where(labels, places + 1, ends)[:, None]
    chosen = generator.integers(count - (gap_ends - gap_starts), size=(count, longest))
    chosen += np.where(chosen >= gap_starts, gap_ends - gap_starts, 0)

    occurs = _cut((chosen >= starts[:, None]) & (chosen < ends[:, None]), lengths, empty=False).any(axis=1)
    lacking = np.flatnonzero((labels == 1) & ~occurs)
    of_digit = generator.integers(starts[lacking], ends[lacking] - 1)
    chosen[lacking, generator.integers(lengths[lacking])] = of_digit + (of_digit >= places[lacking])
    return np.hstack((by_digit[places, None], _cut(by_digit[chosen], lengths))), labels


def _runs(order: np.ndarray, *, first: int) -> np.ndarray:
    """Return for each image the consecutive ones of a published length, from the image itself or the one behind it."""
    count = len(order) - LONGEST - first
    windows = np.lib.stride_tricks.sliding_window_view(order[first:], LONGEST)[:count]
    return _cut(windows, published_lengths(count))


def _cut(places: np.ndarray, lengths: np.ndarray, empty: int = -1) -> np.ndarray:
    """Return rows of `places` with `empty` behind as many as each is long."""
    return np.where(np.arange(places.shape[1]) < lengths[:, None], places, empty)


def _sums(digits: np.ndarray, members: np.ndarray) -> np.ndarray:
    return np.where(members >= 0, digits[members], 0).sum(axis=1)
