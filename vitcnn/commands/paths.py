"""Paths on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from vitcnn.folders import given_path


class GivenPath(argparse.Action):
    """Makes a path of what was given, or several; UserError, which names the option, where one cannot be used."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  # argparse passes it
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Check what was given, and keep it."""
        field = option_string or str(self.metavar)
        if isinstance(values, list):
            setattr(namespace, self.dest, [given_path(field, text) for text in values])
        else:
            setattr(namespace, self.dest, given_path(field, str(values)))
