import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from miniature import set_for_processes
from repositories import PYTEST_OPTIONS, Repository, case

from vitcnn.cli import main
from vitcnn.processes import revisions
from vitcnn.record import load_run

SLEEPS = """
    import time
    from pathlib import Path


    def test_dog(measure):
        Path({marker!r}).touch()
        time.sleep({seconds})
        measure.time(int)
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of two commits, the second of which makes `bee` three times slower."""
    set_for_processes(monkeypatch)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    made = Repository(tmp_path / "project")
    made.commit()
    made.commit(bee=6e-6)
    monkeypatch.chdir(made.root)
    monkeypatch.setattr(revisions, "plan_of_pairs", lambda between, *_, **_how: f"{between} are compared.")
    return made


def test_a_slower_head_is_red_on_the_terminal_and_in_markdown(repository, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    arguments = ["HEAD~1", "HEAD", "--pairs", "2", "--out", "kept", "--", *PYTEST_OPTIONS]
    assert main(["compare", *arguments]) == 1
    out, error = capsys.readouterr()
    assert error.startswith("vitcnn: base HEAD~1 (")
    assert error.count("are compared.\n") == 1
    (worse,) = (line for line in out.splitlines() if line.startswith("WORSE "))
    assert case("bee") in worse
    assert "+200 %" in worse
    assert "Measured alternately, round by round (base head, head base ...)" in out
    assert out.endswith(f"Runs: {repository.root / 'kept'}\n")
    markdown = Path("kept/gate.md").read_text(encoding="utf-8")
    assert f"| WORSE | `{case('bee')}` |" in markdown
    assert "Pairs measured: 2." in markdown
    assert Path("summary.md").read_text(encoding="utf-8").strip() == markdown.strip()
    assert sorted(path.parent.name for path in Path("kept").glob("*/run.json")) == [
        "base-1",
        "base-2",
        "head-1",
        "head-2",
    ]
    assert repository.leftovers == []
    assert not list(Path(".vitcnn").glob("compare/*")), "nothing is left where the worktrees were"


def test_head_is_what_is_checked_out_unless_named_and_dashes_end_the_revisions(repository, capsys):
    assert main(["compare", "HEAD", "--pairs", "1", "--", *PYTEST_OPTIONS, "-k", "ant"]) == 0
    out = capsys.readouterr().out
    assert out.count("HEAD (") == 2
    assert "GREEN (mode allow-new): 1 figure judged" in out


def test_the_mode_is_the_one_that_is_asked_for(repository):
    repository.write("benchmarks/test_more.py", "def test_dog(measure):\n    measure.time(lambda: sum(range(99)))\n")
    repository.commit(bee=6e-6)
    assert main(["compare", "HEAD~1", "--pairs", "1", "--mode", "on", "--", *PYTEST_OPTIONS]) == 1


def test_what_cannot_be_judged_is_status_3(repository, capsys):
    assert main(["compare", "HEAD", "--pairs", "1", "--", *PYTEST_OPTIONS, "--benchmark-disable"]) == 3
    assert "INVALID" in capsys.readouterr().out


def test_paths_behind_the_dashes_narrow_the_comparison_in_each_sides_own_tree(repository, capsys):
    repository.write("benchmarks/test_more.py", "def test_dog(measure):\n    measure.time(lambda: sum(range(99)))\n")
    repository.commit()
    repository.commit(bee=6e-6)
    ant, more = f"{repository.root}/{case('ant')}", "benchmarks/test_more.py"
    status = main(["compare", "HEAD~1", "--pairs", "1", "--out", "kept", "--", *PYTEST_OPTIONS, ant, more])
    assert status in (0, 1), "one pair of a time that is not scripted"
    run = load_run(Path("kept/head-1/run.json"))
    assert [result.id for result in run.cases] == [case("ant"), "benchmarks/test_more.py::test_dog"]
    assert main(["compare", "HEAD~1", "--pairs", "1", "--", *PYTEST_OPTIONS, "benchmarks/test_mini.py"]) == 1
    assert main(["compare", "HEAD~2", "--pairs", "1", "--", *PYTEST_OPTIONS, more]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"vitcnn: --: '{more}' cannot be used. Allowed: a path that the base HEAD~2 (")
    assert main(["compare", "HEAD", "--pairs", "1", "--", *PYTEST_OPTIONS, ".."]) == 2
    assert "vitcnn: --: '..' cannot be used. Allowed: a path in " in capsys.readouterr().err


@pytest.mark.parametrize("mode, is_said", [("counts", False), ("on", True)])
def test_one_pair_is_no_stored_run_and_says_nothing_where_no_time_is_judged(repository, capsys, mode, is_said):
    main(["compare", "HEAD", "--pairs", "1", "--mode", mode, "--", *PYTEST_OPTIONS, "-k", "ant"])
    out = " ".join(capsys.readouterr().out.split())
    assert "the baseline is one run" not in out
    assert (
        "For 1 of 1 cases there is a single pair of runs, so only the tolerance decides, and no time is BETTER." in out
    ) == is_said


def test_a_run_without_results_is_status_3_and_names_the_side(repository, capsys):
    assert main(["compare", "HEAD", "--", *PYTEST_OPTIONS, "--no-such-option"]) == 3
    _plan, pair, error = capsys.readouterr().err.split("\n", 2)
    assert pair == "vitcnn: pair 1 of at most 20: all cases ..."
    assert error.startswith("vitcnn: the base HEAD (")
    assert "unrecognized arguments: --no-such-option" in error


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nope"], "vitcnn: BASE: 'nope' cannot be used. Allowed: a git revision that "),
        (["HEAD", "--pairs", "0"], "vitcnn: --pairs: 0 cannot be used."),
        (["HEAD", "--suite", "missing"], "vitcnn: --suite: 'missing' cannot be used."),
    ],
)
def test_what_cannot_be_used_is_status_2(repository, capsys, arguments, message):
    assert main(["compare", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize("arguments", [[], ["a", "b", "c"], ["a", "--mode", "soft"], ["a", "-k", "latency"]])
def test_usage_errors_are_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(["compare", *arguments])
    assert caught.value.code == 2
    assert "usage: vitcnn compare BASE [HEAD]" in capsys.readouterr().err


def test_an_option_of_pytest_before_the_dashes_is_refused_with_the_way_out(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "a", "-k", "latency"])
    assert "unrecognized arguments: -k latency. Arguments for pytest must follow --" in capsys.readouterr().err


def test_a_comparison_that_is_stopped_leaves_no_worktrees(repository):
    """By SIGTERM, which becomes what Ctrl-C is."""
    marker = repository.root / "asleep"
    repository.write("benchmarks/test_more.py", SLEEPS.format(marker=str(marker), seconds=60))
    repository.commit()
    code = "import sys; from vitcnn.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["compare", "HEAD~1", "HEAD", "--", *PYTEST_OPTIONS]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)
    try:
        repository.wait_for("asleep", process)
        assert len(repository.leftovers) == 5, "two worktrees, as git knows them and as folders, and the guard"
        os.kill(process.pid, signal.SIGTERM)
        _, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted" in error
    assert repository.leftovers == []
    assert [path.parent.name for path in Path(".vitcnn").glob("compare/*/base-1/run.json")] == ["base-1"]


def test_a_killed_comparison_leaves_no_process_and_the_next_takes_its_worktrees_away(repository):
    marker = repository.root / "asleep"
    repository.write("benchmarks/test_more.py", SLEEPS.format(marker=str(marker), seconds=0.5))
    repository.commit()
    code = "import sys; from vitcnn.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["compare", "HEAD", "--pairs", "1", "--", *PYTEST_OPTIONS]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True)
    repository.wait_for("asleep", process)
    process.kill()
    process.communicate()
    assert len(repository.leftovers) == 5
    ended = [path / "run.json" for path in repository.root.glob(".vitcnn/compare/*/base-1")]
    end = time.monotonic() + 60
    while not all(path.exists() for path in ended) and time.monotonic() < end:
        time.sleep(0.1)
    assert [load_run(path).cases[-1].outcome for path in ended] == ["interrupted"], "nobody gives it a turn"
    assert main(["compare", "HEAD", "--pairs", "1", "--", *PYTEST_OPTIONS, "-k", "ant"]) == 0
    assert repository.leftovers == []


def test_energy_is_refused_since_the_counter_knows_no_revision(repository, capsys):
    assert main(["compare", "HEAD~1", "--", "--energy"]) == 2
    assert "would count the work of both revisions" in capsys.readouterr().err
