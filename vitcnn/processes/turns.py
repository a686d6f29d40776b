"""Lets a process take turns with another one that measures the same cases, so that only one works at a time.

A process that `vitcnn compare` starts inherits one end of a socket. At every place where the other one's turn may have
come it says where it is, in a line of JSON, and waits for the answer: before its cases, before each case, with its plan
of rounds, before each round and after the last. Standard library alone.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from typing import Any

PROTOCOL = 1
"""Another number speaks another language: two revisions take turns only where both speak the same."""


class Turns:
    """The process's end of the socket. Where the other end is gone, every wait raises KeyboardInterrupt."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._answers = link.makefile("rb")

    def start(self, cases: Sequence[str]) -> list[str]:
        """Say which cases would be measured; return those that are to be, in the order of both processes."""
        cases = self._wait({"at": "start", "protocol": PROTOCOL, "cases": list(cases)})["cases"]
        return list(cases)

    def case(self, name: str) -> None:
        """Wait for the turn to build and warm up a case."""
        self._wait({"at": "case", "case": name})

    def plan(self, rounds: int, calls: int) -> tuple[int, int]:
        """Say how many rounds and calls a round would do; return what both processes do."""
        agreed = self._wait({"at": "plan", "rounds": rounds, "calls": calls})
        return agreed["rounds"], agreed["calls"]

    def around(self, after_round: Callable[[], None] | None) -> Callable[[], None]:
        """Wait for the turn of the first round; return what is to be done after each, which waits for the next."""
        done = 0

        def after() -> None:
            nonlocal done
            if after_round:
                after_round()
            done += 1
            self._wait({"at": "round", "number": done})

        self._wait({"at": "round", "number": done})
        return after

    def close(self) -> None:
        """Let the other process go on alone."""
        self._answers.close()
        self._link.close()

    def _wait(self, place: dict[str, Any]) -> dict[str, Any]:
        try:
            self._link.sendall(json.dumps(place).encode() + b"\n")
            answer = self._answers.readline()
        except OSError:
            answer = b""
        if not answer:
            raise KeyboardInterrupt("the process that controls the comparison has ended")
        found: dict[str, Any] = json.loads(answer)
        return found


def inherited_turns(number: int | None) -> Turns | None:
    """Return the turns over the inherited socket of that number; None where the process measures alone."""
    return None if number is None else Turns(socket.socket(fileno=number))
