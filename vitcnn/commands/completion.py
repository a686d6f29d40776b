"""`vitcnn --print-completion SHELL`: a script that completes commands, options and names of the catalogue."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from vitcnn.commands.paths import GivenPath

SHELLS = ("bash", "zsh")


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

    names = {dest: " ".join(known()) for dest, known in NAMES.items()}
    for action in _actions(parser):
        if action.dest in names:
            complete = {"bash": f"_vitcnn_{action.dest}", "zsh": f"({names[action.dest]})"}
            action.complete = complete  # type: ignore[attr-defined]  # what shtab looks for
        elif isinstance(action, GivenPath) or action.dest in PATHS:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # as above
    functions = [f"_vitcnn_{dest}() {{ compgen -W '{words}' -- \"$1\"; }}" for dest, words in names.items()]
    return shtab.complete(parser, shell, preamble="\n".join(functions) if shell == "bash" else "")


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


def _weights() -> Iterable[str]:
    from vitcnn.recipes.parts import HUB, RANDOM
    from vitcnn.tasks import tasks

    can_be_made = (task.name for task in tasks().values() if task.kind == "image")
    return (RANDOM, HUB, *can_be_made)


def _own_weights() -> Iterable[str]:
    from vitcnn.recipes.parts import HUB, OF_FILE, RANDOM

    return (RANDOM, HUB, OF_FILE)


NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "arch": _architectures,
    "weights_of": _architectures,
    "weights": _weights,
    "own_weights": _own_weights,
    "task": _tasks,
    "names": _tasks,
    "recipe": _recipes,
}
"""What an option or argument of each name takes. argparse must not check it: other names are possible too."""

PATHS = ("data_root", "out", "resume", "trace", "paths")
"""Arguments of `vitcnn run` that are paths; in other commands they are known by their action."""
