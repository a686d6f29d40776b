"""Giving turns to processes that do no more than take them; those of pytest are in test_revisions."""

import socket
import subprocess
import sys
import threading
from textwrap import dedent

import pytest

from vitcnn.processes import live
from vitcnn.processes.live import Player, PlayerFailed, Referee
from vitcnn.processes.turns import Turns, inherited_turns

PLAYER = """
import os, sys, time
from vitcnn.processes.turns import inherited_turns

side, log, number = sys.argv[1:]


def say(what):
    with open(log, "a") as file:
        file.write(f"{side} {what}\\n")


def measure(name, rounds=2, calls=1, work=lambda number: None):
    turns.case(name)
    say(name)
    rounds, calls = turns.plan(rounds, calls)
    number = 0
    after = turns.around(None)
    while number < rounds:
        work(number)
        say(f"{name}{number} {rounds}x{calls}")
        number += 1
        after()


turns = inherited_turns(int(number))
"""
WHOLE = "for name in turns.start(['a', 'b']): measure(name)\n"


def play(tmp_path, base=WHOLE, head=WHOLE, *, number=1, only=None):
    """Let two processes run to their end; return what they said, in order."""
    log, players = tmp_path / "log", {}
    for side, code in (("base", base), ("head", head)):
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-c", PLAYER + dedent(code), side, str(log), str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL)
        theirs.close()
        (tmp_path / side).mkdir()
        (tmp_path / side / "run.json").touch()
        players[side] = Player(process=process, link=ours, out=tmp_path / side)
    try:
        Referee(players, number=number, only=only).play()
    finally:
        for player in players.values():
            player.process.kill()
            player.process.wait()
            player.link.close()
    assert all(player.ended for player in players.values())
    return log.read_text().splitlines()


def test_rounds_alternate_and_so_does_who_begins(tmp_path):
    code = "for name in turns.start(['a']): measure(name, rounds=4)\n"
    said = [tuple(line.split()[:2]) for line in play(tmp_path, code, code)]
    sides = ("base", "head", "head", "base", "base", "head", "head", "base")
    assert said[2:] == [(side, f"a{place // 2}") for place, side in enumerate(sides)]


def test_the_next_pair_begins_with_the_other_side(tmp_path):
    firsts = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        said = play(tmp_path / str(number), number=number)
        firsts.append(next(line for line in said if "a0" in line).split()[0])
    assert sorted(firsts) == ["base", "head"]


def test_both_do_the_fewer_rounds_of_the_more_calls(tmp_path):
    base = "for name in turns.start(['a']): measure(name, rounds=5, calls=1)\n"
    head = "for name in turns.start(['a']): measure(name, rounds=3, calls=4)\n"
    plans = [line.split()[2] for line in play(tmp_path, base, head) if "x" in line]
    assert plans == ["3x4"] * 6


def test_a_case_that_one_side_lacks_is_measured_alone_and_last(tmp_path):
    head = "for name in turns.start(['new', 'b']): measure(name)\n"
    said = [line.split()[:2] for line in play(tmp_path, WHOLE, head)]
    assert {name for side, name in said[:3]} == {"a", "a0", "a1"}
    assert [name for side, name in said if side == "base"] == ["a", "a0", "a1", "b", "b0", "b1"]
    assert [name for side, name in said if side == "head"] == ["b", "b0", "b1", "new", "new0", "new1"]
    assert sum(name.startswith("b") for _, name in said[3:9]) == 6, "side by side"


def test_only_what_is_undecided_is_measured(tmp_path):
    assert {line.split()[1][0] for line in play(tmp_path, only=["b", "gone"])} == {"b"}


FAILS = """
def fail(number):
    if number:
        raise ValueError

for name in turns.start(['a', 'b']):
    try:
        measure(name, work=fail if name == 'a' else lambda number: None)
    except ValueError:
        say('failed')
"""


@pytest.mark.parametrize("sides", [(FAILS, WHOLE), (WHOLE, FAILS)])
def test_a_case_that_fails_on_one_side_keeps_nobody_waiting(tmp_path, sides):
    said = [line.split()[:2] for line in play(tmp_path, *sides)]
    assert sum(name.startswith("a") for _, name in said) == 2 + 2 + 1
    assert sum(name.startswith("b") for _, name in said) == 6


def test_a_side_that_dies_keeps_nobody_waiting(tmp_path):
    dies = "for name in turns.start(['a', 'b']): measure(name, work=lambda number: os._exit(1))\n"
    said = play(tmp_path, dies, WHOLE)
    assert [line.split()[1] for line in said if line.startswith("head")] == ["a", "a0", "a1", "b", "b0", "b1"]


def test_a_side_that_hangs_is_ended_and_the_other_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "LEAST_PATIENCE_S", 2.0)
    monkeypatch.setattr(live, "POLL_S", 0.1)
    hangs = "for name in turns.start(['a', 'b']): measure(name, work=lambda number: time.sleep(60))\n"
    said = play(tmp_path, WHOLE, hangs)
    assert [line.split()[1] for line in said if line.startswith("base")] == ["a", "a0", "a1", "b", "b0", "b1"]


def test_another_protocol_is_refused_with_the_side_named(tmp_path):
    old = "import vitcnn.processes.turns as old\nold.PROTOCOL = 0\nturns.start([])\n"
    with pytest.raises(PlayerFailed, match="its vitcnn takes turns with protocol 0, this one with 1") as caught:
        play(tmp_path, WHOLE, old)
    assert caught.value.side == "head"


def test_a_process_whose_other_end_is_gone_stops_as_by_an_interrupt():
    """As where the comparison was killed: nobody will ever give a turn again."""
    ours, theirs = socket.socketpair()
    threading.Timer(0.1, ours.close).start()
    turns = Turns(theirs)
    with pytest.raises(KeyboardInterrupt):
        turns.start(["a"])
    turns.close()


def test_without_a_socket_nobody_takes_turns():
    assert inherited_turns(None) is None
