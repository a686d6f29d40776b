"""What stands behind `--` is for pytest, and all that stands behind `vitcnn run`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from vitcnn.errors import UserError

USAGE = "[-- PYTEST_ARG ...]"
HELP = "What stands behind -- is for pytest: -- -k latency"


REFUSED = {
    "--gate": "These runs are judged by nothing.",
    "--out": "Each run gets a folder of its own.",
    "--resume": "Each run is measured anew.",
    "--collect-only": "Nothing would be measured.",
    "--benchmark-save": "What is stored is stored by this command.",
    "--benchmark-autosave": "What is stored is stored by this command.",
    "-n": "Processes beside each other are not timed.",
    "--numprocesses": "Processes beside each other are not timed.",
}
"""Options of pytest that make no sense in the runs that a command starts, and why."""


def require_fit(arguments: Sequence[str]) -> None:
    """Raise UserError where pytest's arguments hold what the runs of a command cannot have."""
    for argument in arguments:
        name = argument.partition("=")[0]
        name = "-n" if re.fullmatch(r"-n\d+", name) else name
        if name in REFUSED:
            do = f"{REFUSED[name]} Leave it out."
            raise UserError(field="--", value=argument, allowed="options that select what is measured", do=do)


class CommandParser(argparse.ArgumentParser):
    """Parses a command. Where its defaults hold `arguments`, these become what stands behind `--`.

    Where they hold `pytest_arguments`, these become everything, options too.
    As a positional of many values, argparse would take them for none as soon as an option follows another positional.
    """

    def parse_known_args(  # type: ignore[override]  # argparse's overloads say no more
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse what stands before `--`, where the command takes arguments for pytest there; else everything."""
        if self.get_default("pytest_arguments") is not None:
            return argparse.Namespace(run=self.get_default("run"), pytest_arguments=list(args or ())), []
        if self.get_default("arguments") is None:
            return super().parse_known_args(args, namespace)
        given = list(args or ())
        end = given.index("--") if "--" in given else len(given)
        options, unknown = super().parse_known_args(given[:end], namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}. What is for pytest stands behind --")
        options.arguments = given[end + 1 :]
        return options, []
