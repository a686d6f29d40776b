"""pytest, vitcnn and Python in processes that are forked from one which has imported what all of them need.

The import is most of what a session of a miniature suite takes. What such a session starts itself begins from nothing.
There are two such servers: one has what a suite without models needs, the other the libraries of models.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from unittest import mock

import psutil

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = multiprocessing.get_context("forkserver")
STARTS = Lock()
"""Held while a process starts: one of several threads at a time."""

LOST = 255
"""What the server of forks answers where it has lost a status; the process has said it in a file, too."""

PRELOADED = (
    "pynvml",
    "pytest_benchmark.plugin",
    "scipy.stats",
    "vitcnn.cli",
    "vitcnn.commands.offline",
    "vitcnn.measuring.own_benchmark",
    "vitcnn.pytest_plugin",
    "vitcnn.report.baselines",
)


LIBRARIES = (
    "matplotlib.figure",
    "peft",
    "pynvml",
    "pytest_benchmark.plugin",
    "scipy.stats",
    "sklearn.datasets",
    "timm",
    "torch._dynamo",
    "torchvision",
)
"""What cases that build or train models import; nothing of this repository's, which a session may have in a copy."""

SERVERS = {"vitcnn": PRELOADED, "libraries": LIBRARIES}


def import_path(environment: Mapping[str, str]) -> str:
    """Return a PYTHONPATH with this repository before what `environment` has there."""
    return os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH", ""))))


def run_forked(
    program: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    patience_s: float,
    server: str = "vitcnn",
) -> tuple[int | None, str]:
    """Run `program` (a key of `PROGRAMS`) in `folder`, with this `environment` and no other variable.

    `server` is a key of `SERVERS`.

    Returns the status, negative for a signal's, or None where it has not ended in `patience_s`; and both streams.
    """
    with TemporaryDirectory() as temporary:
        said, output = Path(temporary) / "status", Path(temporary) / "output"
        process = CONTEXT.Process(target=_be, args=(program, tuple(arguments), folder, dict(environment), said, output))
        with STARTS, mock.patch.object(forkserver, "connect_to_new_process", _server(server).connect_to_new_process):
            process.start()
        process.join(patience_s)
        status = process.exitcode
        if status is None:
            process.kill()
            process.join()
        if status == LOST:
            with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                psutil.Process(process.pid).wait(patience_s)  # the status is lost, the process may be running
            status = int(said.read_text(encoding="utf-8")) if said.exists() else status
        return status, output.read_text(encoding="utf-8", errors="replace")


@cache
def _server(name: str) -> forkserver.ForkServer:
    """Return what starts processes, once it has imported its modules, on one thread: as sessions have it set."""
    server = forkserver.ForkServer()
    server.set_forkserver_preload(list(SERVERS[name]))
    with mock.patch.dict(os.environ, {"PYTHONPATH": import_path(os.environ), "OMP_NUM_THREADS": "1"}):
        server.ensure_running()
    return server


def _be(
    program: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], said: Path, output: Path
) -> None:
    """Be the process of a program, from its folder and variables to its exit status."""
    for number, path, mode in ((0, os.devnull, os.O_RDONLY), (1, str(output), os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(path, mode), number)
    os.dup2(1, 2)
    gc.freeze()  # what the server has imported is no garbage: each collection would look at, and so copy, all of it
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    sys.path[:] = [str(folder), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *_libraries()]
    sys.argv = [program, *arguments]
    code = _ended(PROGRAMS[program], arguments)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    said.write_text(str(code), encoding="utf-8")
    os._exit(code)


def _libraries() -> list[str]:
    """Return the import path without this repository's folders, except for an environment that lies in it.

    A test's folder may be on the path.
    """
    environment = Path(sys.prefix)
    return [path for path in sys.path if Path(path).is_relative_to(environment) or not Path(path).is_relative_to(ROOT)]


def _ended(run: Callable[[Sequence[str]], object], arguments: Sequence[str]) -> int:
    """Return the exit status of a program, as the interpreter would have it."""
    status: object = 1
    try:
        status = run(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    return int(status) if isinstance(status, int) else int(status is not None)


def _pytest(arguments: Sequence[str]) -> int:
    """Do what `python -m pytest` does."""
    import pytest

    sys.modules.pop("vitcnn.pytest_plugin", None)  # pytest imports its plugins itself, or warns that it did not
    return int(pytest.main(list(arguments)))


def _vitcnn(arguments: Sequence[str]) -> int:
    """Do what `vitcnn` does."""
    from vitcnn.cli import main

    return main(arguments)


def _python(arguments: Sequence[str]) -> int:
    """Do what `python -c CODE` does."""
    exec(arguments[-1], {"__name__": "__main__"})
    return 0


PROGRAMS = {"pytest": _pytest, "vitcnn": _vitcnn, "python": _python}
