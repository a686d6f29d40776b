"""The arguments that are passed to pytest: those that follow `--`, and all of `vitcnn run`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from vitcnn.errors import UserError

USAGE = "[-- PYTEST_ARG ...]"
HELP = "Arguments that follow -- are passed to pytest, for example: -- -k latency"


REFUSED = {
    "--gate": "This command judges its runs itself, or not at all.",
    "--out": "Each run gets its own folder.",
    "--resume": "This command always measures all cases.",
    "--collect-only": "Nothing would be measured.",
    "--benchmark-save": "This command decides what is stored.",
    "--benchmark-autosave": "This command decides what is stored.",
    "-n": "Parallel processes would disturb the measurement.",
    "--numprocesses": "Parallel processes would disturb the measurement.",
}
"""Options of pytest that are refused in the runs that a command starts, and why."""


def require_fit(arguments: Sequence[str]) -> None:
    """Raise UserError if the arguments for pytest contain a refused option."""
    for argument in arguments:
        name = argument.partition("=")[0]
        name = "-n" if re.fullmatch(r"-n\d+", name) else name
        if name in REFUSED:
            do = f"{REFUSED[name]} Leave it out."
            raise UserError(field="--", value=argument, allowed="options that select what is measured", do=do)


class CommandParser(argparse.ArgumentParser):
    """Parses a command; if its defaults contain `arguments`, these become the arguments that follow `--`.

    If they contain `pytest_arguments`, these become all arguments, options too. A positional with several values does
    not work here: argparse takes it for empty as soon as an option follows another positional.
    """

    def parse_known_args(  # type: ignore[override]  # argparse's overloads say no more
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse the arguments before `--` if the command takes arguments for pytest, otherwise all of them."""
        if self.get_default("pytest_arguments") is not None:
            return argparse.Namespace(run=self.get_default("run"), pytest_arguments=list(args or ())), []
        if self.get_default("arguments") is None:
            return super().parse_known_args(args, namespace)
        given = list(args or ())
        end = given.index("--") if "--" in given else len(given)
        options, unknown = super().parse_known_args(given[:end], namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}. Arguments for pytest must follow --")
        options.arguments = given[end + 1 :]
        return options, []
