"""A pytest session that vitcnn asked for in a process of its own: `python -m vitcnn.requested PYTEST_ARGS`.

What it is to measure comes on its standard input, as the JSON of a `Request`, which becomes one of pytest's plugins: no
file, variable or option turns a user's own session into one that measures a part of the suite and judges nothing.
"""

from __future__ import annotations

import ctypes
import signal
import sys

import pytest

from vitcnn.processes.fresh import Request

SET_SIGNAL_OF_PARENTS_DEATH = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def end_with_parent() -> None:
    """Let this process end, and save what it has, where the one that asked for it is killed: nobody waits for it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_SIGNAL_OF_PARENTS_DEATH, signal.SIGTERM)


def main() -> int:
    """Run pytest with the request among its plugins; return its exit status."""
    end_with_parent()
    return int(pytest.main(sys.argv[1:], plugins=[Request.from_json(sys.stdin.read())]))


if __name__ == "__main__":
    sys.exit(main())
