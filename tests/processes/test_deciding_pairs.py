"""How many pairs are measured, of which cases, and what of them is refused; without git and without processes."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from record_builders import ended, passed, run_on
from store_builders import write

from vitcnn.errors import RunFailed, UserError
from vitcnn.processes import revisions
from vitcnn.processes.live import PlayerFailed
from vitcnn.processes.revisions import compare_revisions
from vitcnn.processes.worktrees import Revision

COMMITS = {"old": "1a2b3c4d5e", "new": "5d6e7f8a9b", "same": "1a2b3c4d5e"}
NOISY = [(1.0, 1.3), (1.3, 1.0), (1.1, 1.25), (1.25, 1.1), (1.0, 1.3), (1.3, 1.0)]
LEVEL = [(2.0, 2.0)] * 6


class Pairs:
    """Stands in for the processes of all pairs: `seconds` are each case's, pair by pair, of base and head.

    `told` are the commands that were started, with the pair's number and the only cases.
    """

    def __init__(self):
        self.seconds, self.told, self.commit, self.failure = {}, [], "", None

    def __call__(self, commands, *, number, only):
        if self.failure:
            raise self.failure
        self.told.append((commands, number, only))
        paths = {}
        for place, side in enumerate(("base", "head")):
            command = commands[side]
            cases = [
                passed(name, values[number - 1][place]) if only is None or name in only else ended(name, "deselected")
                for name, values in self.seconds.items()
            ]
            commit = self.commit or (command.root / "commit").read_text()
            paths[side] = write(command.out / "run.json", run_on(number, *cases, git_commit=commit))
        return paths

    @property
    def cases(self):
        """The cases that each pair was told to measure; None for all."""
        return [only if only is None else [*only] for _, _, only in self.told]


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """Both revisions have the folder `benchmarks` in the subfolder `project` of the repository `tmp_path`."""
    found, folders = Pairs(), ["project/benchmarks", "more"]

    def revision(top, field, asked):
        if asked not in COMMITS:
            raise UserError(field=field, value=asked, allowed="a git revision", do="")
        return Revision(asked=asked, commit=COMMITS[asked]) if top == tmp_path else None

    @contextmanager
    def checked_out(top, commits):
        assert top == tmp_path
        for path, commit in commits.items():
            for folder in folders:
                (path / folder).mkdir(parents=True)
            (path / "more" / "test_more.py").touch()
            (path / "project" / "commit").write_text(commit)
        try:
            yield
        finally:
            for path in commits:
                shutil.rmtree(path)

    monkeypatch.setattr(revisions, "repository", lambda root: root.parent)
    monkeypatch.setattr(revisions, "revision", revision)
    monkeypatch.setattr(revisions, "checked_out", checked_out)
    monkeypatch.setattr(revisions, "has_changes", lambda root: found.has_changes and root.name == "project")
    monkeypatch.setattr(revisions, "import_path", lambda top, path, root: [path / root.relative_to(top) / "source"])
    monkeypatch.setattr(revisions, "require_own_packages", lambda *tree: found.looked_at.append(tree))
    monkeypatch.setattr(revisions, "measure_pair", found)
    monkeypatch.setattr(revisions.time, "monotonic", lambda: found.clock.pop(0) if found.clock else found.now)
    found.has_changes, found.looked_at, found.clock, found.now = False, [], [], 0.0
    (tmp_path / "project" / "benchmarks").mkdir(parents=True)
    found.seconds = {"ant": LEVEL}
    return found


def compared(tmp_path, base="old", head="new", *, pairs=6, minutes=30.0, suite="benchmarks", **more):
    how = {"pairs": pairs, "minutes": minutes, "suite": Path(suite), "out": tmp_path / "out"}
    return compare_revisions(base, head, root=tmp_path / "project", **{**how, **more})


def test_what_is_decided_at_a_look_is_not_measured_again(tmp_path, pairs, monkeypatch):
    shown = []
    monkeypatch.setattr(revisions, "Steps", lambda: lambda *step: shown.append(step))
    pairs.seconds = {"ant": NOISY, "bee": LEVEL, "cat": [(1.0, 3.0)] * 6}
    found = compared(tmp_path, pairs=5)
    assert pairs.cases == [None, None, None, ["ant"], ["ant"]]
    assert [len(side.runs) for side in (found.base, found.head)] == [5, 5]
    assert found.remarks[0] == "Pairs measured: 5."
    assert [number for _, number, _ in pairs.told] == [1, 2, 3, 4, 5]
    assert (found.base.name, found.head.name) == ("base old (1a2b3c4)", "head new (5d6e7f8)")
    assert [run.path for run in found.head.runs] == [tmp_path / f"out/head-{number}/run.json" for number in range(1, 6)]
    three, two = ["all cases"] * 3, ["1 case undecided"] * 2
    expected = [(done, 5, f"pair {done + 1} of at most 5: {cases}") for done, cases in enumerate([*three, *two])]
    assert shown == [*expected, (5, 5, "")]


def test_nothing_is_measured_once_all_is_decided(tmp_path, pairs):
    pairs.seconds = {"bee": LEVEL, "cat": [(1.0, 3.0)] * 6}
    assert len(compared(tmp_path).base.runs) == len(pairs.told) == 3


def test_a_limit_below_the_first_look_holds(tmp_path, pairs):
    for number in (1, 2):
        pairs.told.clear()
        assert len(compared(tmp_path, pairs=number, out=tmp_path / str(number)).base.runs) == len(pairs.told) == number


@pytest.mark.parametrize("now_s, expected", [(0.0, 6), (120.0, 6), (121.0, 3), (1e9, 3)])
def test_after_the_minutes_no_pair_begins_but_those_of_the_first_look(tmp_path, pairs, now_s, expected):
    pairs.seconds, pairs.clock, pairs.now = {"ant": NOISY}, [100.0], 100.0 + now_s
    assert len(compared(tmp_path, minutes=2.0).base.runs) == expected


def test_time_that_is_over_between_two_looks_ends_it_there(tmp_path, pairs):
    pairs.seconds, pairs.clock, pairs.now = {"ant": NOISY}, [0.0, 1.0, 61.0], 61.0
    assert len(compared(tmp_path, minutes=1.0).base.runs) == 4


def test_each_side_runs_in_its_own_tree_with_its_own_packages_and_configuration(tmp_path, pairs):
    (tmp_path / "pytest.ini").touch()  # the working tree's, which is neither's
    compared(tmp_path, pairs=1, arguments=["-k", "ant"])
    ((commands, _, _),) = pairs.told
    for side, command in commands.items():
        tree = command.root.parent
        assert (command.root.name, tree.name) == ("project", side)
        assert tree.parent.parent == tmp_path / "project" / ".vitcnn" / "compare"
        assert command.arguments == [
            *("-p", "vitcnn.pytest_plugin", f"--rootdir={tree}", f"--config-file={tree.parent / 'pytest.ini'}"),
            *("benchmarks", "-k", "ant"),
        ]
        assert command.out == tmp_path / "out" / f"{side}-1"
        assert str(command.root / "source") in command.environment["PYTHONPATH"]
        assert (tree, command.root, (command.root / "source",)) in pairs.looked_at


def test_runs_lie_beside_the_trees_unless_a_folder_is_named(tmp_path, pairs):
    found = compared(tmp_path, pairs=1, out=None)
    assert found.out.parent == tmp_path / "project" / ".vitcnn" / "compare"
    assert sorted(path.parent.name for path in found.out.rglob("run.json")) == ["base-1", "head-1"]


def test_what_is_measured_is_told_before_the_first_pair(tmp_path, pairs, monkeypatch):
    asked, told = [], []

    def plan(between, command, root, **limits):
        assert pairs.told == []
        asked.append((between, command, root, limits))
        return "a plan"

    monkeypatch.setattr(revisions, "plan_of_pairs", plan)
    compared(tmp_path, tell=told.append, pairs=4, minutes=7.0, arguments=["-k", "ant"])
    command = ["-p", "vitcnn.pytest_plugin", "benchmarks", "-k", "ant"]
    limits = {"least": 3, "most": 4, "minutes": 7.0}
    between = "base old (1a2b3c4) and the head new (5d6e7f8)"
    assert (asked, told) == ([(between, command, tmp_path / "project", limits)], ["a plan"])


def test_what_may_not_be_meant_is_told_before_the_first_pair_too(tmp_path, pairs, monkeypatch):
    told = []
    monkeypatch.setattr(revisions, "plan_of_pairs", lambda *_asked, **_limits: "A plan.")
    pairs.has_changes = True
    remarks = compared(tmp_path, head="same", tell=told.append, pairs=1).remarks
    assert told == [" ".join(["A plan.", *remarks[2:]])]
    assert "same revision" in told[0]
    assert "uncommitted changes" in told[0]


def test_the_remarks_say_which_revisions_were_compared_and_what_is_part_of_neither(tmp_path, pairs):
    between = "Measured alternately, round by round (base head, head base ...): base old (1a2b3c4), head {}."
    first = compared(tmp_path, pairs=1).remarks
    assert first == ("Pairs measured: 1.", between.format("new (5d6e7f8)"))
    pairs.has_changes = True
    assert compared(tmp_path, head="same", pairs=1, out=tmp_path / "again").remarks == (
        "Pairs measured: 1.",
        between.format("same (1a2b3c4)"),
        "Base and head are the same revision, so all differences are noise.",
        "The working tree has uncommitted changes, which are part of neither revision.",
    )


@pytest.mark.parametrize(
    "how, message",
    [
        ({"base": "gone"}, "BASE: 'gone'"),
        ({"head": "gone"}, "HEAD: 'gone'"),
        ({"pairs": 0}, "--pairs: 0 cannot be used. Allowed: 1 to 32. 3 pairs show"),
        ({"pairs": 33}, "--pairs: 33 "),
        ({"minutes": -0.1}, "--minutes: -0.1 cannot be used. Allowed: 0 or more. 10 minutes are"),
        ({"minutes": float("nan")}, "--minutes: nan"),
        ({"suite": "bench"}, r"--suite: 'bench' .* a folder that the base old \(1a2b3c4\) has"),
        ({"out": Path("/dev/null/x")}, "--out: '/dev/null/x' .* Allowed: a folder that can be written to"),
        (
            {"suite": "../.."},
            r"--suite: '../..' .* Allowed: a folder in .*\. Name one that is part of the repository\.$",
        ),
        ({"arguments": ["../../x.py"]}, r"--: '../../x.py' .* Allowed: a path in "),
        (
            {"arguments": ["../gone"]},
            r"--: '../gone' .* Allowed: a path that the base old \(1a2b3c4\) has\. Name one that both ",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_measured(tmp_path, pairs, how, message):
    for path in (tmp_path.parent / "x.py", tmp_path / "gone"):
        path.touch()
    with pytest.raises(UserError, match=message):
        compared(tmp_path, **how)
    assert pairs.told == []


def test_the_borders_of_what_can_be_used(tmp_path, pairs):
    assert len(compared(tmp_path, pairs=1, minutes=0).base.runs) == 1
    assert len(compared(tmp_path, pairs=32, out=tmp_path / "32").base.runs) == 3


def test_paths_behind_the_dashes_take_the_place_of_the_suite(tmp_path, pairs):
    (tmp_path / "more").mkdir()
    test = "../more/test_more.py::test_x[a/../b]"
    for path, seen in (("../more", "../more"), (f"{tmp_path}/more", "../more"), (test, test)):
        pairs.told.clear()
        compared(tmp_path, pairs=1, arguments=["-q", path], suite="missing", out=tmp_path / f"out{len(path)}")
        assert pairs.told[0][0]["base"].arguments[4:] == [seen, "-q"]


@pytest.mark.parametrize("commit, said", [("9f9f", "9f9f"), (None, "no revision")])
def test_a_run_of_other_code_is_refused_with_the_side_named(tmp_path, pairs, monkeypatch, commit, said):
    pairs.commit = commit or "unknown"
    if commit is None:
        monkeypatch.setattr(revisions, "load_run", lambda _path: run_on(1, git_commit=""))
    with pytest.raises(RunFailed, match=rf"the base old \(1a2b3c4\): the code of {said} was measured instead"):
        compared(tmp_path)


def test_a_record_that_cannot_be_read_and_a_side_without_a_result_name_the_side(tmp_path, pairs, monkeypatch):
    pairs.failure = PlayerFailed("head", "it crashed")
    with pytest.raises(RunFailed, match=r"the head new \(5d6e7f8\): it crashed"):
        compared(tmp_path)

    def newer(commands, **_how):
        commands["base"].out.mkdir(parents=True)
        (commands["base"].out / "run.json").write_text('{"vitcnn": {"schema": 1}}')
        return {"base": commands["base"].out / "run.json"}

    monkeypatch.setattr(revisions, "measure_pair", newer)
    with pytest.raises(
        RunFailed, match=r"(?s)the base old \(1a2b3c4\): .*\. Its vitcnn .*: compare revisions with the same format\.$"
    ):
        compared(tmp_path)
