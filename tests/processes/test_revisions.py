"""Comparing revisions of repositories made here; that of judging alone is in test_comparison."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from miniature import SWITCH_ON, THREE_ROUNDS, set_for_processes
from record_builders import ended, passed, run_on
from repositories import PYTEST_OPTIONS, SECONDS, Repository, case
from store_builders import write

from vitcnn.errors import RunFailed, UserError
from vitcnn.processes import revisions
from vitcnn.processes.revisions import compare_revisions


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    set_for_processes(monkeypatch)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


@pytest.fixture
def repository(tmp_path):
    """A repository of two commits, the second of which makes `bee` three times slower."""
    made = Repository(tmp_path / "project")
    made.commit()
    made.commit(bee=6e-6)
    return made


def compared(repository, base="HEAD~1", head="HEAD", *, pairs=1, suite=Path("benchmarks"), options=(), **more):
    limits = {"pairs": pairs, "minutes": 30.0}
    arguments = [*PYTEST_OPTIONS, *options]
    return compare_revisions(base, head, **{**limits, **more}, suite=suite, root=repository.root, arguments=arguments)


@pytest.fixture
def made_up(monkeypatch):
    """Return what lets each pair of processes leave made-up runs: what each case takes, pair by pair, on each side."""

    def let(**seconds):
        def measure_pair(commands, *, number, only):
            paths = {}
            for place, (side, command) in enumerate(commands.items()):
                cases = [
                    passed(name, values[number - 1][place])
                    if only is None or name in only
                    else ended(name, "deselected")
                    for name, values in seconds.items()
                ]
                head = ["git", "-C", str(command.root), "rev-parse", "HEAD"]
                commit = subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()
                paths[side] = write(command.out / "run.json", run_on(number, *cases, git_commit=commit))
            return paths

        monkeypatch.setattr(revisions, "measure_pair", measure_pair)

    return let


def seconds(recording):
    """Return what each case took in each run."""
    return {case_id: [r.samples("latency_s")[0] for r in records] for case_id, records in recording.records.items()}


ROUNDS = f"""{THREE_ROUNDS}
    import os, time, lib
    from pathlib import Path

    SIDE = Path(__file__).parent.name

    def work(name):
        with open(os.environ["SAID"], "a") as file:
            file.write(f"{{name}} {{SIDE}}\\n")
        time.sleep(lib.SECONDS[name])
"""
TAKING_ROUNDS = """
    import pytest
    from conftest import work

    @pytest.mark.parametrize("name", ["ant", "bee"])
    def test_case(measure, name):
        measure.time(lambda: work(name))
"""


def test_two_live_processes_work_by_turns_and_the_second_pair_begins_with_the_head(tmp_path, monkeypatch):
    """Two of three warm-up calls and three rounds: what one process says in its turn is not broken by the other."""
    made = Repository(tmp_path / "project")
    made.write("conftest.py", ROUNDS)
    made.write("benchmarks/test_mini.py", TAKING_ROUNDS)
    made.commit(ant=0.001, bee=0.001)
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    compared(made, "HEAD", pairs=2)
    said = (tmp_path / "said").read_text().splitlines()
    case_of_six = ["base"] * 3 + ["head"] * 3 + ["base", "head", "head", "base", "base", "head"]
    other = {"base": "head", "head": "base"}
    expected = [f"{name} {side}" for name in ("ant", "bee") for side in case_of_six]
    expected += [f"{name} {other[side]}" for name in ("ant", "bee") for side in case_of_six]
    assert said == expected


def test_a_regression_between_two_commits_is_red_for_its_case_and_no_other(repository):
    repository.write("benchmarks/test_more.py", "def test_dog(measure):\n    raise OSError('no bone')\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--amend", "--message", "slower, with a case that fails")
    found = compared(repository, pairs=2)
    judgement = found.judged("allow-new")
    assert {verdict.case: verdict.kind for verdict in judgement.red("strict")} == {
        case("bee"): "WORSE",
        "benchmarks/test_more.py::test_dog": "FAILED",
    }
    (worse,) = (verdict for verdict in judgement.verdicts if verdict.kind == "WORSE")
    assert worse.change == pytest.approx(2.0)
    usual = {case(name): pytest.approx([value] * 2) for name, value in SECONDS.items()}
    assert seconds(found.base) == usual
    assert seconds(found.head) == {**usual, case("bee"): pytest.approx([6e-6] * 2)}
    assert sorted(path.parent.name for path in found.out.glob("*/run.json")) == ["base-1", "base-2", "head-1", "head-2"]
    assert [stored.path for stored in found.base.runs] == [found.out / "base-1/run.json", found.out / "base-2/run.json"]
    assert found.out.parent == repository.root / ".vitcnn" / "compare"
    assert repository.leftovers == []


def test_a_revision_beside_itself_is_said_to_be_so(repository, made_up):
    repository.git("tag", "same")
    made_up(ant=[(1.0, 1.0), (1.0, 1.0)])
    found = compared(repository, "HEAD", "same", pairs=2)
    count, measured, same = found.remarks
    assert count == "Pairs measured: 2."
    commit = repository.git("rev-parse", "--short=7", "HEAD")
    assert measured.startswith("Measured alternately, round by round (base head, head base ...): base HEAD")
    assert measured.count(f"({commit})") == 2
    assert same == "Base and head are the same revision, so all differences are noise."
    assert found.judged("on").judged_by == "itself: base and head are the same revision"


def test_what_is_not_committed_is_neither_measured_nor_the_configuration_and_that_is_said(repository):
    repository.take(ant=50e-3)
    repository.write("pytest.ini", "[pytest]\naddopts = --no-such-option\n")
    found = compared(repository)
    assert seconds(found.head)[case("ant")] == pytest.approx([5e-3])
    assert "The working tree has uncommitted changes, which are part of neither revision." in found.remarks


def test_a_clean_tree_gives_no_note_even_after_a_comparison(repository, made_up):
    (repository.root / ".gitignore").write_text("__pycache__/\n")
    repository.commit(bee=6e-6)
    made_up(ant=[(1.0, 1.0)])
    compared(repository, "HEAD")
    assert len(compared(repository).remarks) == 2


def test_a_project_in_a_subfolder_with_an_editable_src_layout_runs_each_revisions_package(tmp_path, monkeypatch):
    """An editable installation names the working tree, for both sides, unless the comparison puts its own first."""
    nested = Repository(tmp_path / "monorepo", "packages/app", "../core/src")
    nested.commit()
    nested.commit(bee=6e-6)
    core = nested.top / "packages" / "core"
    site = tmp_path / "site"
    (site / "core-1.dist-info").mkdir(parents=True)
    (site / "core-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: core\nVersion: 1\n")
    origin = {"url": core.as_uri(), "dir_info": {"editable": True}}
    (site / "core-1.dist-info" / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(core / "src"), prepend=os.pathsep)
    found = compared(nested)
    id_of_bee = f"packages/app/{case('bee')}"
    assert seconds(found.base)[id_of_bee] == pytest.approx([2e-6])
    assert seconds(found.head)[id_of_bee] == pytest.approx([6e-6])
    assert nested.leftovers == []


@pytest.fixture
def with_the_package_below(tmp_path):
    """A repository whose package lies in libs/python, of which nothing but the import path knows."""
    made = Repository(tmp_path / "project", ".", "libs/python")
    made.commit()
    made.commit(bee=6e-6)
    return made


def test_a_folder_of_the_repository_that_python_imports_from_is_that_of_each_revision(
    with_the_package_below, monkeypatch
):
    """As a .pth file or $PYTHONPATH names it: without more, both sides would import the working tree's."""
    place = str(with_the_package_below.root / "libs" / "python")
    monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("PYTHONPATH", place, prepend=os.pathsep)
    found = compared(with_the_package_below)
    assert seconds(found.base)[case("bee")] == pytest.approx([2e-6])
    assert seconds(found.head)[case("bee")] == pytest.approx([6e-6])


@pytest.mark.parametrize("when", ["collected", "measured"])
def test_a_copy_of_the_package_that_both_would_measure_is_refused(with_the_package_below, tmp_path, monkeypatch, when):
    repository = with_the_package_below
    shutil.copytree(repository.root / "libs" / "python", tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    if when == "measured":
        repository.write(
            "benchmarks/test_mini.py",
            "def test_late(measure):\n    import lib\n    measure.time(lambda: sum(range(99)))\n",
        )
        repository.commit()
        repository.commit()
    with pytest.raises(RunFailed, match=r"the measured lib would be .*/site/lib/__init__\.py instead of this"):
        compared(repository)
    assert repository.leftovers == []


@pytest.mark.parametrize("name", ["mapped", "space.inner"])
def test_code_of_the_working_tree_that_an_import_hook_finds_is_refused(repository, tmp_path, monkeypatch, name):
    """As an editable installation does whose folders are not called as its packages: no path leads to it."""
    source = repository.write("python/source/__init__.py", "SECONDS = 1\n")
    finder = FINDER.replace('"lib"', repr(name)).format(path=str(source))
    if name == "space.inner":
        finder = finder.replace(
            "import sys",
            "import sys, types; sys.modules['space'] = types.ModuleType('space', ''); "
            "sys.modules['space'].__path__ = []",
        )
    repository.write("../site/sitecustomize.py", finder)
    repository.write(
        "benchmarks/test_mini.py", f"import {name}\ndef test_a(measure): measure.time(lambda: sum(range(9)))\n"
    )
    repository.commit()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    with pytest.raises(RunFailed, match=rf"the measured {name} would be .*/python/source/__init__.* instead of this"):
        compared(repository, "HEAD")


MINE = """
from dataclasses import replace
from vitcnn.recipes import recipe
MINE = replace(recipe("digits_cnn"), name="x")
"""


def test_a_file_of_the_users_own_is_that_of_each_revision(repository):
    repository.write("mine.py", MINE)
    with pytest.raises(RunFailed, match=r"(?s)the base HEAD \(.*There is no file .*/base/mine\.py"):
        compared(repository, "HEAD", options=["--recipe=mine.py:MINE"])
    repository.commit()
    assert compared(repository, "HEAD", options=["--recipe=mine.py:MINE"]).judged("on").red("on") == ()
    with pytest.raises(RunFailed, match=r"both revisions would read the same .*/project/mine\.py\. Name it by a path"):
        compared(repository, "HEAD", options=[f"--recipe={repository.root}/mine.py:MINE"])


FINDER = """
    import sys
    from importlib.util import spec_from_file_location

    class Finder:
        def find_spec(self, name, path=None, target=None):
            return spec_from_file_location(name, {path!r}) if name == "lib" else None

    sys.meta_path.insert(0, Finder())
"""


def test_an_installation_that_python_prefers_to_the_revisions_code_is_refused(repository, tmp_path, monkeypatch):
    installed = repository.root / "lib" / "__init__.py"
    repository.write("../site/sitecustomize.py", FINDER.format(path=str(installed)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    with pytest.raises(RunFailed, match="Python would not run the checked-out code: it imports lib from ") as caught:
        compared(repository)
    assert str(installed) in str(caught.value)
    assert repository.leftovers == []


def test_each_revisions_own_configuration_of_pytest_holds(tmp_path):
    """The package is importable by `pythonpath` alone; a folder elsewhere among the arguments misleads pytest."""
    made = Repository(tmp_path / "project", source="python")
    made.write("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["python"]\n')
    made.commit()
    made.commit(bee=6e-6)
    (tmp_path / "data").mkdir()
    found = compared(made, options=["--data-root", str(tmp_path / "data"), "-k", "bee"])
    assert seconds(found.base)[case("bee")] == pytest.approx([2e-6])
    assert seconds(found.head)[case("bee")] == pytest.approx([6e-6])


NOISY = [(1.0, 1.3), (1.3, 1.0), (1.1, 1.25), (1.25, 1.1), (1.0, 1.3)]


def test_a_case_that_is_decided_is_not_measured_again(repository, made_up):
    """`ant` is undecided at the first look. The others are decided there."""
    made_up(ant=NOISY, bee=[(2.0, 2.0)] * 5, cat=[(1.0, 3.0)] * 5)
    found = compared(repository, "HEAD", pairs=4)
    for side in (found.base, found.head):
        assert {name: len(records) for name, records in side.records.items()} == {"ant": 4, "bee": 3, "cat": 3}


def test_after_the_minutes_only_the_first_pairs_are_measured(repository, made_up):
    made_up(ant=NOISY)
    assert len(compared(repository, pairs=5, minutes=0).base.runs) == 3
    assert len(compared(repository, pairs=5).base.runs) > 3


def test_a_vitcnn_that_takes_no_turns_is_named(repository):
    """As where a revision of this project itself is older than the turns."""
    repository.write("vitcnn/__init__.py", "")
    repository.commit()
    with pytest.raises(RunFailed, match=r"vitcnn that would run in .*base is too old for `vitcnn compare`"):
        compared(repository, "HEAD")
    assert repository.leftovers == []


def test_a_run_of_another_revision_is_refused(repository, monkeypatch):
    """As where a suite's root directory lies elsewhere."""
    with pytest.raises(RunFailed, match=r"the base HEAD~1 \(.*\): the code of no revision was measured instead"):
        compared(repository, options=["--rootdir=/"])
    assert repository.leftovers == []


def older_schema(commands, **how):
    for command in commands.values():
        command.out.mkdir(parents=True)
        (command.out / "run.json").write_text(json.dumps({"benchmarks": [], "vitcnn": {"schema": 1}}))
    return {side: command.out / "run.json" for side, command in commands.items()}


def test_records_of_another_schema_are_refused_with_the_side_named(repository, monkeypatch):
    monkeypatch.setattr(revisions, "measure_pair", older_schema)
    with pytest.raises(RunFailed, match=r"the base HEAD~1 \(.*run.json: vitcnn: schema: 1 is older than .*compare rev"):
        compared(repository)
    assert repository.leftovers == []


def test_a_side_that_does_not_know_an_option_is_named_with_what_pytest_says(repository):
    repository.write("conftest.py", f"{SWITCH_ON}\ndef pytest_addoption(parser): parser.addoption('--new')\n")
    repository.commit()
    with pytest.raises(RunFailed, match=r"(?s)the base HEAD~1 \(.*\): pytest ended with status 4.*--new"):
        compared(repository, options=["--new", "1"])
    assert repository.leftovers == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"base": "nope"}, "BASE: 'nope' cannot be used. Allowed: a git revision that .*fetch-depth"),
        ({"head": "HEAD:benchmarks"}, "HEAD: 'HEAD:benchmarks' cannot be used"),
        ({"pairs": 0}, "--pairs: 0"),
        ({"pairs": 33}, "--pairs: 33 cannot be used. Allowed: 1 to 32"),
        ({"minutes": float("nan")}, "--minutes: nan"),
        ({"suite": Path("bench")}, r"--suite: 'bench' cannot be used. Allowed: a folder that the base HEAD~1 \("),
        ({"suite": Path("..")}, "--suite: '..' cannot be used. Allowed: a folder in "),
        ({"out": Path("/proc/out")}, "--out: '/proc/out' cannot be used"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_runs(repository, arguments, message):
    with pytest.raises(UserError, match=message):
        compared(repository, **arguments)
    assert repository.leftovers == []
    assert not list(repository.root.rglob("run.json"))


def test_a_suite_that_only_the_head_has_is_refused_and_names_the_base(repository):
    repository.write("more/test_more.py", "def test_dog(measure): measure.time(int)\n")
    repository.commit()
    with pytest.raises(UserError, match=r"a folder that the base HEAD~1 \("):
        compared(repository, suite=Path("more"))


def test_outside_of_a_repository_nothing_can_be_compared(tmp_path):
    with pytest.raises(
        UserError, match=r"working directory: .*a folder of a git repository\. fatal: not a git repository"
    ):
        compare_revisions("a", "b", pairs=1, minutes=1, suite=Path("benchmarks"), root=tmp_path)
