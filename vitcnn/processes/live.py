"""Controls two live processes that measure the same cases, so that only one of them works at a time.

Whoever is behind goes on: of two cases the one that comes first, of two rounds the one of the lower number. Where both
wait at the same place, who begins alternates: base head, head base, and the other way round in the next pair. A side
that lacks a case, fails in it or ends is never waited for: the other one is then alone behind.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from vitcnn.errors import RunFailed
from vitcnn.processes.fresh import RUN_JSON, Request, run_json_of, started, wait_or_kill
from vitcnn.processes.turns import PROTOCOL

Side = Literal["base", "head"]
SIDES: tuple[Side, ...] = get_args(Side)

Place = tuple[int, int, int]
"""Where a process is: its case's place in the order, the step in the case, the round."""

START: Place = (-1, 0, 0)
CASE, PLAN, ROUND = 0, 1, 2

PATIENCE_S = 3600.0
"""A turn that nobody has taken before may take so long: the training of a seed, or the code before the first case."""

LEAST_PATIENCE_S, TIMES_THE_OTHERS = 600.0, 20
"""A turn that the other side has taken already may take so many times as long, and so many seconds more."""

POLL_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Command:
    """How one side is measured: arguments of pytest, the folder it runs in, added variables, the folder of its run."""

    arguments: Sequence[str]
    root: Path
    environment: Mapping[str, str]
    out: Path


@dataclass(kw_only=True)
class Player:
    """One of the two processes, and what it last said. `ended`: it will say no more."""

    process: subprocess.Popen[bytes]
    link: socket.socket
    out: Path
    said: dict[str, Any] | None = None
    case: str = ""
    ended: bool = False
    since_s: float = field(default_factory=time.monotonic)
    from_place: Place = START
    _read: bytes = b""

    def answer(self, **what: Any) -> None:
        """Give it its turn. Of one that is gone, `listen` will hear it."""
        self.said, self.since_s = None, time.monotonic()
        with suppress(OSError):
            self.link.sendall(json.dumps(what).encode() + b"\n")

    def listen(self, seconds: float) -> None:
        """Take what it says within so many seconds, if it does."""
        readable, _, _ = select.select([self.link], [], [], seconds)
        heard = self._heard() if readable else b""
        if (readable and not heard) or (not readable and self.process.poll() is not None):
            self.ended = True
        self._read += heard
        if self._read.endswith(b"\n"):
            self.said, self._read = json.loads(self._read), b""
            self.case = self.said.get("case", self.case)

    def _heard(self) -> bytes:
        try:
            return self.link.recv(1 << 16)
        except OSError:
            return b""

    def end(self) -> None:
        """Let a process that hangs save what it has; kill it where it does not."""
        self.process.terminate()
        wait_or_kill(self.process)
        self.ended = True


class PlayerFailed(RunFailed):
    """A side's run left no result."""

    def __init__(self, side: Side, why: str) -> None:
        super().__init__(why)
        self.side = side


class Referee:
    """Gives the turns of the pair `number`, which says who begins. `only`, if not None, are the cases to measure."""

    def __init__(self, players: Mapping[Side, Player], *, number: int, only: Sequence[str] | None) -> None:
        self.players = players
        self.number = number
        self.only = only
        self._order: dict[str, int] = {}
        self._plans: dict[str, tuple[int, int]] = {}
        self._took_s: dict[Place, float] = {}

    def play(self) -> None:
        """Give turns until both have ended; return early where one has ended without a result."""
        while True:
            for player in self.players.values():
                self._wait_for(player)
            waiting = [side for side in SIDES if self.players[side].said]
            if not waiting or any(self._is_lost(player) for player in self.players.values()):
                return
            self._release(min(waiting, key=self._turn_of))

    def _wait_for(self, player: Player) -> None:
        while not (player.said or player.ended):
            player.listen(POLL_S)
            took_s = time.monotonic() - player.since_s
            if player.said:
                self._took_s.setdefault(player.from_place, took_s)
            elif took_s > patience_s(self._took_s.get(player.from_place)):
                player.end()

    def _is_lost(self, player: Player) -> bool:
        return player.ended and player.process.poll() is not None and not (player.out / RUN_JSON).is_file()

    def _turn_of(self, side: Side) -> tuple[Place, bool]:
        place = self._place(self.players[side])
        return place, (side == "head") == bool((place[2] + self.number) % 2)

    def _place(self, player: Player) -> Place:
        said = player.said or {}
        if said["at"] == "start":
            return START
        step = {"case": CASE, "plan": PLAN, "round": ROUND}[said["at"]]
        return self._order[player.case], step, said.get("number", 0)

    def _release(self, side: Side) -> None:
        player = self.players[side]
        player.from_place = self._place(player)
        assert player.said
        if player.said["at"] == "start":
            self._require_protocol(side, player.said)
            player.answer(cases=self._cases(player.said["cases"]))
        elif player.said["at"] == "plan":
            rounds, calls = self._plan(player)
            player.answer(rounds=rounds, calls=calls)
        else:
            player.answer()

    def _require_protocol(self, side: Side, said: Mapping[str, Any]) -> None:
        if said["protocol"] != PROTOCOL:
            raise PlayerFailed(
                side, f"its vitcnn takes turns with protocol {said['protocol']}, this one with {PROTOCOL}"
            )

    def _cases(self, own: Sequence[str]) -> list[str]:
        """Return the cases that a side is to measure, in the order of both: the base's, then what it lacks."""
        if not self._order:
            starting = [self.players[side].said or {} for side in SIDES]
            names = dict.fromkeys(name for said in starting for name in said.get("cases", ()))
            self._order = {name: place for place, name in enumerate(names)}
        return [name for name in self._order if name in own and (self.only is None or name in self.only)]

    def _plan(self, player: Player) -> tuple[int, int]:
        """Return the plan that both follow: the fewer rounds, of the more calls."""
        if player.case not in self._plans:
            waiting = [p.said for p in self.players.values() if p.said and p.case == player.case]
            plans = [said for said in waiting if said["at"] == "plan"]
            self._plans[player.case] = min(p["rounds"] for p in plans), max(p["calls"] for p in plans)
        return self._plans[player.case]


def patience_s(others_s: float | None) -> float:
    """Return how long a turn may take that took the other side so many seconds; None where it has not had it."""
    return PATIENCE_S if others_s is None else LEAST_PATIENCE_S + TIMES_THE_OTHERS * others_s


def measure_pair(commands: Mapping[Side, Command], *, number: int, only: Sequence[str] | None) -> dict[Side, Path]:
    """Measure both sides in two live processes, round by round; return each one's JSON.

    `only` are the ids of the only cases to measure. Ctrl-C and SIGTERM end both. Raises PlayerFailed for a run that
    left no JSON.
    """
    with ExitStack() as stack:
        players = {side: _started(stack, commands[side], number) for side in SIDES}
        Referee(players, number=number, only=only).play()
        return {side: _result(side, player) for side, player in players.items() if player.ended}


def _started(stack: ExitStack, command: Command, number: int) -> Player:
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    with theirs:
        process = stack.enter_context(
            started(
                command.arguments,
                out=command.out,
                root=command.root,
                environment=command.environment,
                request=Request(seed_block=number - 1, turns=theirs.fileno()),
                inherited=[theirs.fileno()],
            )
        )
    return Player(process=process, link=ours, out=command.out)


def _result(side: Side, player: Player) -> Path:
    try:
        return run_json_of(player.out, player.process.wait())
    except RunFailed as error:
        raise PlayerFailed(side, str(error)) from error
