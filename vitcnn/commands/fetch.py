"""`vitcnn fetch`: downloads or makes data sets, and downloads weights, in advance."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from vitcnn.commands.output import tell
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import MissingData

if TYPE_CHECKING:
    from vitcnn.spec import Architecture
    from vitcnn.tasks import Tasks

FAILED = 1


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn fetch` to the subparsers of `vitcnn`."""
    fetched = commands.add_parser("fetch", help="download or generate data sets, and download weights, in advance")
    fetched.add_argument(
        "names", nargs="*", metavar="NAME", help="a task, such as mnist; `vitcnn list tasks` shows all"
    )
    weights_help = (
        "download the ImageNet weights of these architectures, such as vit_base, to the cache of the hub ($HF_HOME)"
    )
    fetched.add_argument("--weights", dest="weights_of", nargs="+", default=(), metavar="ARCH", help=weights_help)
    data_root_help = "the folder for data sets; default: $VITCNN_DATA, or vitcnn/data in the user's cache folder"
    fetched.add_argument("--data-root", action=GivenPath, metavar="DIR", help=data_root_help)
    fetched.set_defaults(run=run_fetch, usage_error=fetched.error)


def run_fetch(options: argparse.Namespace) -> int:
    """Fetch everything that is asked for; return 1 where some of it cannot be had: the rest is fetched all the same."""
    if not (options.names or options.weights_of):
        options.usage_error("name at least one task, or an architecture with --weights")
    status = 0
    for fetch in _asked_for(options):
        try:
            print(fetch())
        except MissingData as error:
            tell(str(error))
            status = FAILED
    return status


def _asked_for(options: argparse.Namespace) -> Iterator[Callable[[], str]]:
    """Return what fetches each thing and says what it is; UserError, before any of it, where a name is not known."""
    from vitcnn.architectures import architecture
    from vitcnn.folders import require_writable
    from vitcnn.tasks import Tasks, data_root

    entries = list(map(architecture, options.weights_of))
    tasks = Tasks(data_root(options.data_root), asked=options.names, option="task")
    yield from (partial(_weights, entry) for entry in entries)
    if options.names:
        require_writable("--data-root", tasks.data_root, "Name another folder with --data-root or $VITCNN_DATA.")
        yield from (partial(_data, tasks, name) for name in tasks.asked)
        yield lambda: f"Data root: {tasks.data_root}"


def _weights(entry: Architecture) -> str:
    """Download the weights of an architecture, and load them once."""
    from vitcnn.adaptation.weights import require_whole
    from vitcnn.architectures import hub

    found = hub.fetch(entry)
    require_whole(entry, found.path)
    return f"{entry.name}: {found.name}, {found.path.stat().st_size / 1e6:,.0f} MB, SHA-256 {found.sha256}"


def _data(tasks: Tasks, name: str) -> str:
    """Download or make a task's data, and read them once."""
    from vitcnn.progress import ProgressBar
    from vitcnn.tasks.download import fetch

    fetch(tasks.task(name), tasks.data_root, ProgressBar())
    data, task = tasks.data(name, ProgressBar()), tasks.task(name)
    what = "images" if task.kind == "image" else "sequences"
    counts = f"{len(data.train.labels):,} training and {len(data.test.labels):,} test {what}"
    classes = f", {task.shape.num_classes} classes" if task.kind == "image" else ""
    return f"{name}: {counts} of {task.input_words}{classes}"
