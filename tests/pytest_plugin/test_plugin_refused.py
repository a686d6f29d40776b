"""An option that cannot be used is refused before anything runs: exit status 4 and one message that says what to do."""

from types import SimpleNamespace

import pytest

from vitcnn.pytest_plugin import pytest_configure

MARKED = """
    from pathlib import Path

    Path("collected").touch()


    def test_ant(measure):
        measure.time(lambda: sum(range(1000)))
"""


@pytest.fixture
def marked(suite):
    suite.write("test_marked.py", MARKED)
    suite.write("a_file", "text")
    suite.write("a_pickle", "PK\x03\x04")
    return suite


def refused(suite, *args):
    """Return the message that refuses `args`, having checked that it is one, and that nothing ran."""
    result = suite.run(*args)
    assert result.exit_code == pytest.ExitCode.USAGE_ERROR, result.out
    lines = [line for line in result.out.splitlines() if line.strip()]
    assert len(lines) == 1, result.out
    assert not (suite.root / "collected").exists(), "a test file was imported"
    assert not result.folder.exists()
    assert not (suite.root / "benchmarks").exists()
    return lines[0]


@pytest.mark.parametrize(
    "option, parts",
    [
        ("--recipe digits_cn", ["--recipe:", "'digits_cn'", "Did you mean digits_cnn", "epochs=3"]),
        ("--weights glyphs6", ["--weights", "'glyphs6'", "random, hub, file:PATH", "Did you mean glyphs62"]),
        ("--weights file:nowhere", ["--weights", "'nowhere'", "a safetensors file that is there", "Check the path."]),
        ("--weights file:a_pickle", ["--weights", "'a_pickle'", "safetensors alone, since a zip file of torch.save"]),
        (
            "--recipe transfer_lora_cnn,weights=file:a_file",
            ["weights of transfer_lora_cnn: 'a_file'", "a whole safetensors file ("],
        ),
        ("--recipe transfer_lora_cnn,weights=mine", ["weights of transfer_lora_cnn: 'mine'", "random, hub, file:PATH"]),
        ("--seeds 0", ["--seeds", "'0'", "1 to 1000"]),
        ("--arch vit_tinny", ["--arch:", "'vit_tinny'", "Did you mean vit_tiny", "timm/NAME"]),
        ("--arch lenet,lenot", ["--arch:", "'lenot'", "Did you mean lenet"]),
        (
            "--arch lenet --task digit_sum_digits",
            [
                "--task: 'digit_sum_digits'",
                "input of digit_sum_digits is a sequence of images, which does not fit lenet",
            ],
        ),
        ("--arch sum_fc,lenet --task digits", ["--arch: 'sum_fc'", "a sequence of images, which does not fit digits"]),
        ("--task digit", ["--task:", "'digit'", "Allowed: ", "Did you mean digits"]),
        ("--preset smok", ["--preset", "'smok'", "full, smoke, standard", "Did you mean smoke"]),
        ("--preset xyz", ["--preset", "'xyz'", "full, smoke, standard", "Check the spelling"]),
        ("--device tpu", ["--device", "'tpu'", "auto, cpu, cuda, cuda:N", "Leave it out"]),
        ("--out a_file", ["--out", "a_file'", "a folder that can be written to", "Not a directory"]),
        ("--out a_file/below", ["--out", "a_file/below'", "a folder that can be written to", "Not a directory"]),
        ("--benchmark-json a_file/run.json", ["--benchmark-json", "a_file'", "Not a directory"]),
        ("--out=", ["--out", "''", "Perhaps a variable in the command is not set."]),
        ("--data-root=", ["--data-root", "''", "Perhaps a variable in the command is not set."]),
        ("--benchmark-storage=", ["--benchmark-storage", "''", "Perhaps a variable in the command is not set."]),
        (f"--benchmark-json {'x' * 300}", ["--benchmark-json", "File name too long"]),
        ("--benchmark-json .", ["--benchmark-json", "Allowed: "]),
        ("--benchmark-storage=ftp://x", ["--benchmark-storage", "'ftp://x'", "Allowed: file, elasticsearch+http"]),
        ("--preset=", ["--preset", "''", "Allowed: full, smoke, standard"]),
        (f"--resume={'x' * 300}", ["--resume", "does not exist"]),
    ],
    ids=lambda value: value.replace(" ", "=") if isinstance(value, str) else "",
)
def test_refusals_name_field_value_what_is_allowed_and_what_to_do(marked, option, parts):
    message = refused(marked, *option.split())
    assert message.startswith("ERROR: ")
    for part in parts:
        assert part in message


def test_without_pytest_benchmark_that_is_said():
    with pytest.raises(pytest.UsageError, match="pytest-benchmark is switched off"):
        pytest_configure(SimpleNamespace(option=SimpleNamespace()))


@pytest.mark.parametrize("name", ["journal.jsonl", "run.json"])
def test_a_folder_that_holds_a_run_is_refused_and_left_as_it_is(marked, name):
    """A run in which nothing ran has a JSON and no journal: it is a run all the same."""
    old = marked.write(f"old/{name}", "{}")
    message = refused(marked, "--out", "old")
    assert "--out: " in message
    assert "a folder that holds no run yet" in message
    assert "Name another folder" in message
    assert [path.name for path in old.parent.iterdir()] == [name]
    assert old.read_text() == "{}"


def test_two_cases_of_one_id_are_refused_with_both_places(suite):
    text = """
        from vitcnn import LatencyCase

        CASES = (LatencyCase(architecture="lenet", px=28, batch=1),)


        def test_latency(case, measure):
            raise AssertionError("must not run")
    """
    suite.write("test_here.py", text)
    suite.write("test_there.py", text)
    result = suite.run()
    assert result.exit_code == pytest.ExitCode.USAGE_ERROR
    (message,) = (line for line in result.out.splitlines() if line.startswith("ERROR: "))
    for part in ("'latency/lenet/28/b1/fp32/eager'", "test_here.py::test_latency[", "test_there.py::test_latency["):
        assert part in message
    assert "remove one from its CASES" in message
    assert "must not run" not in result.out


WRONG = {
    'LatencyCase(architecture="resnet81", px=28, batch=1)': "architecture: 'resnet81' cannot be used.",
    'AccuracyCase(architecture="lenet", task="digit", recipe="digits_cnn")': "task: 'digit' cannot be used.",
    'AccuracyCase(architecture="lenet", task="digits", recipe="digit")': "recipe: 'digit' cannot be used.",
    'LatencyCase(architecture="lenet", px=28, batch=0)': "batch: 0 cannot be used.",
}


def test_a_wrong_name_or_value_in_cases_is_refused_at_collection(suite):
    for number, case in enumerate(WRONG):
        text = (
            f"from vitcnn import {case.partition('(')[0]}\n\nCASES = ({case},)\n\n\ndef test_it(case, measure): ...\n"
        )
        suite.write(f"test_wrong_{number}.py", text)
    result = suite.run()
    assert result.exit_code == pytest.ExitCode.INTERRUPTED, result.out
    assert [message for message in WRONG.values() if message not in result.out] == []
    assert "During handling" not in result.out


def test_cases_without_their_comma_are_refused_with_the_file_and_what_to_write(suite):
    suite.write(
        "test_bare.py",
        "from vitcnn import LatencyCase\n\nCASES = (LatencyCase(architecture='lenet', px=28, batch=1))\n\n\n"
        "def test_it(case, measure): ...\n",
    )
    result = suite.run()
    assert result.exit_code == pytest.ExitCode.INTERRUPTED, result.out
    assert "CASES in test_bare.py: 'latency/lenet/28/b1/fp32/eager' cannot be used." in result.out
    assert "Traceback" not in result.out
