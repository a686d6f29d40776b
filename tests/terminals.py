"""A terminal for tests: what a process writes to it, and what stands above the line that it draws below its own."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

BELOW = re.compile(r"\x1bD\x1bM\x1b7\r+\n\x1b\[2K(.*?)\x1b8", re.DOTALL)
"""What is drawn on the line below the cursor, which then is where it was."""

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], columns: int = 100) -> str:
    """Run `command` with a terminal for its output and its errors; return all that it wrote there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return written.decode()


def _read(number: int) -> bytes:
    try:
        return os.read(number, 65536)
    except OSError:  # Linux's way to say that nobody has the other end open any more
        return b""


def below(written: str) -> list[str]:
    """Return what stood on the line below, one after the other, without empty ones."""
    return [text for found in BELOW.findall(written) if (text := found.strip())]


def above(written: str) -> str:
    """Return what was written elsewhere, without colours."""
    return COLOURS.sub("", BELOW.sub("", written)).replace("\r\n", "\n")
