"""`vitcnn --print-completion SHELL`: a script that completes commands, options and names of the catalogue."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from vitcnn.commands.paths import GivenPath

SHELLS = ("bash", "zsh", "fish")


class PrintCompletion(argparse.Action):
    """Prints the script of the shell that is named, and ends."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002  # argparse passes it
        values: Any,
        option_string: str | None = None,  # noqa: ARG002  # as above
    ) -> None:
        """Print it."""
        print(script(parser, values))
        parser.exit()


def add_to(root: argparse.ArgumentParser) -> None:
    """Add the option to `vitcnn` itself."""
    root.add_argument(
        "--print-completion", action=PrintCompletion, choices=SHELLS, help="print a completion script for a shell"
    )


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the script; the names in it are those of now, and it starts no Python when it completes."""
    import shtab

    names = {dest: completed_by(dest, known()) for dest, known in NAMES.items()}
    for action in _actions(parser):
        if action.dest in names:
            action.complete = names[action.dest]  # type: ignore[attr-defined]  # what shtab looks for
        elif isinstance(action, GivenPath) or action.dest in PATHS:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell)


def completed_by(what: str, names: Iterable[str]) -> dict[str, Any]:
    """Return how shtab completes one of `names`, which argparse must not check, since others are possible."""
    words = " ".join(names)
    function = f"_vitcnn_{what}"
    return {
        "bash": function,
        "zsh": f"({words})",
        "fish": words,
        "preamble": {"bash": f"{function}() {{\n  compgen -W '{words}' -- $1\n}}"},
    }


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the actions of a parser and of its subcommands, however deep."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from _actions(subparser)


def _architectures() -> Iterable[str]:
    from vitcnn.architectures import architectures

    return architectures()


def _tasks() -> Iterable[str]:
    from vitcnn.tasks import tasks

    return tasks()


def _recipes() -> Iterable[str]:
    from vitcnn.recipes import recipes

    return recipes()


NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "arch": _architectures,
    "weights": _architectures,
    "task": _tasks,
    "names": _tasks,
    "recipe": _recipes,
}
"""What an option or argument of each name takes."""

PATHS = ("data_root", "out", "resume", "paths", "benchmark_storage")
