"""The script that `vitcnn --print-completion bash` prints, asked by bash itself what it completes."""

import subprocess

import pytest

from vitcnn.architectures import architectures
from vitcnn.cli import main
from vitcnn.commands.run import OPTIONS, SWITCHES
from vitcnn.recipes import recipes
from vitcnn.tasks import tasks

ASK = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_shtab_vitcnn vitcnn "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def completed(capsys, tmp_path):
    """Return what bash offers for the last of the words."""
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", "bash"])
    assert ended.value.code == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)

    def ask(*words: str) -> list[str]:
        command = ["bash", "-c", ASK, "bash", str(script), "vitcnn", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.split()

    return ask


@pytest.mark.parametrize(
    "words, offered",
    [
        (["ru"], ["run"]),
        (["baseline", ""], ["record", "show", "prune"]),
        (["baseline", "record", "--al"], ["--allow-removed"]),
        (["run", "--preset", ""], ["smoke", "standard", "full"]),
        (["run", "--arch", "lene"], ["lenet"]),
        (["list", "c"], ["cases"]),
        (["doctor", "--preset", "st"], ["standard"]),
        (["run", "comp"], ["completion"]),
    ],
)
def test_commands_options_and_their_values_are_completed(completed, words, offered):
    assert completed(*words) == offered


def test_names_of_the_catalogue_are_completed(completed):
    assert completed("run", "--arch", "") == list(architectures())
    assert completed("fetch", "--weights", "") == list(architectures())
    assert completed("run", "--task", "") == completed("fetch", "") == list(tasks())
    assert completed("run", "--recipe", "") == list(recipes())


def test_what_run_completes_are_options_of_its_session(pytestconfig):
    """`vitcnn run` leaves its options to pytest: those that it names for completion must be pytest's."""
    from vitcnn.pytest_plugin.grammar import add_options

    class Group(list):
        def addoption(self, name, **_):
            self.append(name)

        def getgroup(self, *_):
            return self

    ours = Group()
    add_options(ours)
    others = {"-k", "-m", "--trace", "--benchmark-compare", "--collect-only", "--help"}
    assert {*OPTIONS, *SWITCHES, "--device", "--preset", "--gate"} == {*ours, *others}
