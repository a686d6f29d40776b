"""What stands behind `--` is for pytest."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

USAGE = "[-- PYTEST_ARG ...]"
HELP = "What stands behind -- is for pytest: -- -k latency"


class CommandParser(argparse.ArgumentParser):
    """Parses a command. Where its defaults hold `arguments`, these become what stands behind `--`.

    As a positional of many values, argparse would take them for none as soon as an option follows another positional.
    """

    def parse_known_args(  # type: ignore[override]  # argparse's overloads say no more
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse what stands before `--`, where the command takes arguments for pytest; else everything."""
        if self.get_default("arguments") is None:
            return super().parse_known_args(args, namespace)
        given = list(args or ())
        end = given.index("--") if "--" in given else len(given)
        options, unknown = super().parse_known_args(given[:end], namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}. What is for pytest stands behind --")
        options.arguments = given[end + 1 :]
        return options, []
