"""The command line of a pytest session that measures a suite, or the paths that were named in its place."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

from vitcnn.processes.pytest_config import config_file
from vitcnn.processes.trace_option import without_trace
from vitcnn.suite import is_borrowed, own_suite

PLUGIN = "vitcnn.pytest_plugin"
"""Named to pytest, it is there without a conftest too; where a conftest names it as well, it is there once."""


def session_arguments(suite: Path, arguments: Sequence[str], root: Path) -> list[str]:
    """Return what pytest is called with in the folder `root`: `arguments`, and `suite` where they name no path.

    Where the package's own suite is measured for a project that has none, the folder is the root directory, its own
    configuration of pytest alone holds, and no conftest around the installed package is read.
    """
    named = paths_among(arguments, root)
    measured = [file_of(path) for path in named] or [suite]
    rooted: list[str] = []
    if any(is_borrowed(path, root) for path in measured):
        configured = config_file(root, root) or os.devnull
        rooted = [f"--rootdir={root}", f"--config-file={configured}", f"--confcutdir={own_suite()}"]
    return ["-p", PLUGIN, *rooted, *([] if named else [str(suite)]), *arguments]


def file_of(argument: str) -> Path:
    """Return the file of a node id such as `benchmarks/test_memory.py::test_memory`, or the path itself."""
    return Path(argument.partition("::")[0])


def paths_among(arguments: Sequence[str], *roots: Path) -> list[str]:
    """Return those of pytest's arguments that name files, folders or tests that are there, seen from any of `roots`.

    The value of an option is none of them, even where a file is called so.
    """
    there = [text for text in arguments if text and any(os.path.exists(root / file_of(text)) for root in roots)]  # noqa: PTH110  # Path.exists raises where a name is too long
    if not there:
        return []
    return [text for text in _without_options(without_trace(arguments)[0]) if text in there]


class _Parsed(Exception):
    """Ends pytest once it knows its options."""


def _without_options(arguments: Sequence[str]) -> list[str]:
    """Return what is left of the arguments, as pytest reads them, without its options and their values.

    pytest loads its plugins for that, but no conftest, and runs nothing. What it complains of, it says again when it
    runs.
    """
    import pytest

    found: list[str] = []

    class Parse:
        def pytest_load_initial_conftests(self, parser: Any) -> None:
            found.extend(parser.parse_known_args(list(arguments)).file_or_dir)
            raise _Parsed

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(_Parsed):
        pytest.main(["--capture=no", "-p", PLUGIN, *arguments], plugins=[Parse()])
    return found
