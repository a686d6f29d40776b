"""Computes the Pareto front: the points that no other point beats, where a low cost and a high gain are good."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places in `points`, (cost, gain), of those that no other point beats, from the cheapest on.

    A point is beaten by one that costs no more and gains no less, and is better in at least one of the two. Of equal
    points none beats the other.
    """
    front: list[int] = []
    best = (-inf, inf)  # gain and cost of the last member: what follows costs as much or more
    for place in sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1])):
        cost, gain = points[place]
        if gain > best[0] or (gain, cost) == best:
            front.append(place)
            best = gain, cost
    return front
