"""Giving turns to two sides that do no more than take them, in threads; those of pytest are in test_revisions."""

import json
import os
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from vitcnn.processes import live, turns
from vitcnn.processes.live import Command, PlayerFailed, measure_pair, patience_s
from vitcnn.processes.turns import Turns, inherited_turns


class Died(Exception):
    """What ends a side as a crash would: it says no more, and nobody takes its turns."""


class Taking:
    """One side: takes its turns over a socket, and notes in `said` what it did in them."""

    def __init__(self, side, number, said):
        self.number = number
        self.turns = inherited_turns(number)
        self.is_told_to_end = threading.Event()
        self._side, self._said = side, said

    def say(self, what):
        self._said.append((self._side, what))

    def measure(self, name, rounds=2, calls=1, work=lambda _number: None):
        self.turns.case(name)
        self.say(name)
        rounds, calls = self.turns.plan(rounds, calls)
        after = self.turns.around(lambda: self.say("looked at"))
        for number in range(rounds):
            work(number)
            self.say(f"{name}{number} {rounds}x{calls}")
            after()

    def hang(self, _number=0):
        if not self.is_told_to_end.wait(10):
            self.say("nobody ended it")
        raise Died


class Process:
    """Stands in for the process of a side: its work is a thread's. `status` is None until it has ended."""

    def __init__(self, play, side, *, status, closes):
        self.side, self.status = side, None
        self._thread = threading.Thread(target=self._run, args=(play, status, closes), daemon=True)
        self._thread.start()

    def _run(self, play, status, closes):
        try:
            play(self.side)
        except (KeyboardInterrupt, Died):
            pass
        finally:
            self.status = status
            if closes:
                self.side.turns.close()

    def poll(self):
        return self.status

    def terminate(self):
        self.side.is_told_to_end.set()

    def wait(self, _seconds=None):
        self._thread.join(20)
        return self.status


def measuring(*cases, **how):
    """Return a side that measures `cases`, of those that it is told to."""

    def play(side):
        for name in side.turns.start(cases):
            side.measure(name, **how)

    return play


WHOLE = measuring("a", "b")


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Return what lets both sides play to their end and returns what they said, in order.

    `without` are the sides that leave no JSON, `status` that with which the base ends; it `closes` its socket then.
    """
    processes = {}

    def play(base=WHOLE, head=WHOLE, *, number=1, only=None, without=(), status=0, closes=True):
        plays, said = {"base": base, "head": head}, []

        @contextmanager
        def started(arguments, *, out, root, environment, request, inherited):
            (side,) = arguments
            assert (root, dict(environment), request.seed_block) == (tmp_path, {"SIDE": side}, number - 1)
            assert out == tmp_path / f"{side}-{number}"
            assert [*inherited] == [request.turns]
            taking = Taking(side, os.dup(request.turns), said)
            is_base = side == "base"
            how = {"status": status if is_base else 0, "closes": closes or not is_base}
            process = processes[side] = Process(plays[side], taking, **how)
            try:
                yield process
            finally:
                process.terminate()

        monkeypatch.setattr(live, "started", started)
        commands, expected = {}, {}
        for side in plays:
            out = tmp_path / f"{side}-{number}"
            out.mkdir()
            (out / "terminal.txt").write_text("said by pytest")
            expected[side] = out / "run.json"
            if side not in without:
                expected[side].touch()
            commands[side] = Command(arguments=[side], root=tmp_path, environment={"SIDE": side}, out=out)
        assert measure_pair(commands, number=number, only=only) == expected
        return said

    play.processes = processes
    return play


def of(side, said):
    """Return what one side said of its cases."""
    return [what.split()[0] for who, what in said if who == side and what != "looked at"]


def rounds(said):
    return [(who, what.split()[0]) for who, what in said if "x" in what]


@pytest.mark.parametrize("number, sides", [(1, "bhhbbhhb"), (2, "hbbhhbbh"), (3, "bhhbbhhb")])
def test_rounds_alternate_and_so_does_who_begins_in_each_pair(play, number, sides):
    four = measuring("a", rounds=4)
    found = [(who[0], what) for who, what in rounds(play(four, four, number=number))]
    assert found == [(side, f"a{place // 2}") for place, side in enumerate(sides)]


def test_a_turn_lasts_until_all_of_a_round_is_done(play):
    said = play(measuring("a"), measuring("a"))
    steps = [said[start : start + 2] for start in range(2, len(said), 2)]
    assert [[what.partition(" ")[2] for _, what in step] for step in steps] == [["2x1", "at"]] * 4
    assert all(len({who for who, _ in step}) == 1 for step in steps)


def test_cases_are_built_by_turns_and_before_both_measure(play):
    said = play()
    assert said[:2] == [("base", "a"), ("head", "a")]
    assert [what for _, what in said].count("b") == 2
    assert {what for _, what in said[-4:]} == {"b1 2x1", "looked at"}


def test_both_do_the_fewer_rounds_of_the_more_calls(play):
    said = play(measuring("a", rounds=5, calls=1), measuring("a", rounds=3, calls=4))
    assert [what.split()[1] for _, what in said if "x" in what] == ["3x4"] * 6


def test_each_case_has_a_plan_of_its_own(play):
    def head(side):
        for name in side.turns.start(["a", "b"]):
            side.measure(name, rounds=1 if name == "a" else 3, calls=9)

    said = play(measuring("a", "b", rounds=2, calls=5), head)
    assert {what.split()[1] for _, what in said if what.startswith("a0")} == {"1x9"}
    assert {what.split()[1] for _, what in said if what.startswith("b0")} == {"2x9"}


def test_a_case_that_one_side_lacks_is_measured_alone_and_last(play):
    said = play(WHOLE, measuring("new", "b"))
    assert of("base", said) == ["a", "a0", "a1", "b", "b0", "b1"]
    assert of("head", said) == ["b", "b0", "b1", "new", "new0", "new1"]
    found = [what[0] for _, what in said if what != "looked at"]
    assert found == ["a"] * 3 + ["b"] * 6 + ["n"] * 3


def test_a_case_alone_is_measured_as_it_planned(play):
    said = play(measuring("a", rounds=4, calls=2), measuring("b", rounds=3))
    assert [what.split()[1] for _, what in said if "x" in what] == ["4x2"] * 4 + ["3x1"] * 3


def test_only_what_is_undecided_is_measured(play):
    assert {what[0] for _, what in play(only=["b", "gone"]) if what != "looked at"} == {"b"}


def test_nothing_is_measured_where_nothing_is_undecided(play):
    assert play(only=[]) == []


def failing(side):
    def fail(number):
        if number:
            raise ValueError

    for name in side.turns.start(["a", "b"]):
        try:
            side.measure(name, work=fail if name == "a" else lambda _number: None)
        except ValueError:
            side.say("failed")


@pytest.mark.parametrize("sides", [(failing, WHOLE), (WHOLE, failing)])
def test_a_case_that_fails_on_one_side_keeps_nobody_waiting(play, sides):
    found = [what.split()[0] for _, what in play(*sides) if what != "looked at"]
    assert sorted(found) == ["a", "a", "a0", "a0", "a1", "b", "b", "b0", "b0", "b1", "b1", "failed"]


def dying(side):
    for name in side.turns.start(["a", "b"]):
        side.turns.case(name)
        raise Died


def dying_in_its_turn(side):
    """Die where the answer is there and was not read: the other end is reset."""
    side.turns._link.sendall(b'{"at": "start", "protocol": 1, "cases": ["a"]}\n')
    socket.socket(fileno=os.dup(side.number)).recv(1, socket.MSG_PEEK)
    raise Died


def dying_before_its_turn(side):
    """Die where the answer is not there yet: nobody is there to be told."""
    side.turns._link.sendall(b'{"at": "start", "protocol": 1, "cases": ["a"]}\n')
    raise Died


@pytest.mark.parametrize("dies", [dying, dying_in_its_turn, dying_before_its_turn, lambda _side: None])
def test_a_side_that_dies_keeps_nobody_waiting(play, dies):
    assert of("head", play(dies)) == ["a", "a0", "a1", "b", "b0", "b1"]


def test_a_side_whose_socket_stays_open_behind_it_keeps_nobody_waiting(play, monkeypatch):
    """As where a process that it started lives on."""
    monkeypatch.setattr(live, "POLL_S", 0.02)
    assert of("head", play(dying, closes=False)) == ["a", "a0", "a1", "b", "b0", "b1"]


def test_a_side_that_says_nothing_for_long_is_waited_for(play, monkeypatch):
    monkeypatch.setattr(live, "POLL_S", 0.01)
    said = play(WHOLE, measuring("a", "b", work=lambda _number: time.sleep(0.03)))
    assert of("head", said) == of("base", said) == ["a", "a0", "a1", "b", "b0", "b1"]


def test_a_side_that_leaves_no_result_ends_the_pair_and_is_named(play):
    with pytest.raises(PlayerFailed, match=r"(?s)left no run.json. Its last lines:.*said by pytest") as caught:
        play(WHOLE, dying, without=["head"])
    assert caught.value.side == "head"
    assert rounds(play.processes["base"].side._said) == []


def test_a_side_that_ends_as_wrong_usage_has_no_result(play):
    with pytest.raises(PlayerFailed, match="ended with status 4") as caught:
        play(status=4)
    assert caught.value.side == "base"


def test_a_side_that_hangs_where_the_other_was_quick_is_ended_and_the_other_goes_on(play, monkeypatch):
    monkeypatch.setattr(live, "LEAST_PATIENCE_S", 0.1)
    monkeypatch.setattr(live, "POLL_S", 0.02)

    def hangs(side):
        for name in side.turns.start(["a", "b"]):
            side.measure(name, work=side.hang)

    said = play(WHOLE, hangs)
    assert of("base", said) == ["a", "a0", "a1", "b", "b0", "b1"]
    assert of("head", said) == ["a"]


def test_what_the_other_never_did_may_take_longer_than_what_it_did(play, monkeypatch):
    """The training of a seed behind a quick start."""
    for name, value in {"LEAST_PATIENCE_S": 0.2, "TIMES_THE_OTHERS": 0, "POLL_S": 0.05}.items():
        monkeypatch.setattr(live, name, value)
    said = play(measuring("a"), measuring("new", rounds=1, work=lambda _number: time.sleep(0.4)))
    assert of("head", said) == ["new", "new0"]


def test_a_side_that_hangs_where_the_other_never_was_is_ended_too(play, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE_S", 0.2)
    monkeypatch.setattr(live, "POLL_S", 0.02)

    def hangs(side):
        for name in side.turns.start(["new"]):
            side.measure(name, work=side.hang)

    assert of("base", play(WHOLE, hangs)) == ["a", "a0", "a1", "b", "b0", "b1"]


def test_a_turn_may_take_an_hour_or_many_times_as_long_as_the_others():
    assert patience_s(None) == 3600.0
    assert patience_s(0.0) == 600.0
    assert patience_s(30.0) == 600.0 + 20 * 30.0


def test_names_of_any_number_and_length_are_told(play):
    """More than a socket takes at once."""
    names = [f"{number}-{'x' * 80}" for number in range(3000)]
    assert len(json.dumps(names)) > 4 * (1 << 16)
    assert play(measuring(*names), measuring(*names), only=[]) == []


def test_another_protocol_is_refused_with_the_side_named(play):
    def old(side):
        side.turns._wait({"at": "start", "protocol": 0, "cases": []})

    with pytest.raises(PlayerFailed, match="its vitcnn takes turns with protocol 0, this one with 1") as caught:
        play(WHOLE, old)
    assert caught.value.side == "head"


def test_a_process_whose_other_end_is_gone_stops_as_by_an_interrupt():
    """As where the comparison was killed: nobody will ever give a turn again."""
    for wait in (lambda taking: taking.start(["a"]), lambda taking: taking.case("a"), lambda taking: taking.plan(1, 1)):
        ours, theirs = socket.socketpair()
        ours.close()
        taking = Turns(theirs)
        with pytest.raises(KeyboardInterrupt, match="the process that controls the comparison has ended"):
            wait(taking)
        taking.close()
    assert turns.PROTOCOL == 1, "another number is another language: change it with what is said"


def test_a_process_that_leaves_the_other_alone_closes_its_end():
    ours, theirs = socket.socketpair()
    with ours:
        Turns(theirs).close()
        assert ours.recv(1) == b""


def test_without_a_socket_nobody_takes_turns():
    assert inherited_turns(None) is None
