"""Where a CI job shows what the gate says: `gate.md` beside the run, and GitHub's summary of the step."""

from __future__ import annotations

import os
import sys
from pathlib import Path

GATE_MD = "gate.md"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The environment variable in which GitHub Actions names the file to append Markdown to."""


def write_markdown(text: str, out: Path | None) -> None:
    """Write `text` to `out`/gate.md, where a folder is given, and append it to GitHub's summary, where there is one.

    A file that cannot be written is a warning on the standard error: the verdict stands without it.
    """
    if out is not None:
        try:
            _replace(out / GATE_MD, text)
        except OSError as error:
            _warn(out / GATE_MD, error)
    summary = os.environ.get(STEP_SUMMARY)
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except OSError as error:
            _warn(f"${STEP_SUMMARY}, {summary}", error)


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _warn(what: object, error: OSError) -> None:
    print(f"vitcnn: warning: {what}: cannot be written ({error.strerror}); the verdict stands", file=sys.stderr)
