"""Takes `--trace DIR` from a command line: pytest has a switch of that name, which takes no value."""

from __future__ import annotations

from collections.abc import Sequence

OPTION = "--trace"


def without_trace(arguments: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the arguments without each `--trace DIR`, and the folders in order; none where none is named.

    The switch alone is pytest's own, which starts the debugger in each test, and stays.
    """
    given = list(arguments)
    places = [number for number, argument in enumerate(given[:-1]) if argument == OPTION]
    named = [number for number in places if not given[number + 1].startswith("-")]
    folders = tuple(given[number + 1] for number in named)
    for number in reversed(named):
        del given[number : number + 2]
    return given, folders
