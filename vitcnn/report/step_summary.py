"""Writes the verdicts of the gate for CI: to `gate.md` beside the run, and to GitHub's step summary."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vitcnn.folders import write_whole

GATE_MD = "gate.md"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The environment variable in which GitHub Actions names the file to append Markdown to."""


def write_markdown(text: str, out: Path | None) -> None:
    """Write `text` to `out`/gate.md, where a folder is given, and append it to GitHub's summary, where there is one.

    A file that cannot be written is a warning on the standard error: the verdict stands without it.
    """
    if out is not None:
        try:
            write_whole(out / GATE_MD, text)
        except OSError as error:
            _warn(out / GATE_MD, error)
    summary = os.environ.get(STEP_SUMMARY)
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except OSError as error:
            _warn(f"${STEP_SUMMARY}, {summary}", error)


def _warn(what: object, error: OSError) -> None:
    print(f"vitcnn: warning: {what}: cannot be written ({error.strerror}); the verdict stands", file=sys.stderr)
