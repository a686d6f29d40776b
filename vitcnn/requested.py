"""A pytest session that vitcnn asked for in a process of its own: `python -m vitcnn.requested PYTEST_ARGS`.

What it is to measure comes on its standard input, as the JSON of a `Request`, which becomes one of pytest's plugins: no
file, variable or option turns a user's own session into one that measures a part of the suite and judges nothing.
"""

from __future__ import annotations

import sys

import pytest

from vitcnn.fresh import Request


def main() -> int:
    """Run pytest with the request among its plugins; return its exit status."""
    return int(pytest.main(sys.argv[1:], plugins=[Request.from_json(sys.stdin.read())]))


if __name__ == "__main__":
    sys.exit(main())
