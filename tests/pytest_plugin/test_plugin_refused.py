"""What cannot be used is refused before anything runs; each option that is refused is in test_checked_options."""

import pytest

MARKED = """
    from pathlib import Path

    Path("collected").touch()


    def test_ant(measure):
        measure.time(lambda: sum(range(1000)))
"""


def test_an_option_that_cannot_be_used_is_refused_in_one_line_before_anything_runs(suite):
    suite.write("test_marked.py", MARKED)
    result = suite.run("--recipe=digits_cn")
    assert result.exit_code == pytest.ExitCode.USAGE_ERROR, result.out
    (message,) = (line for line in result.out.splitlines() if line.strip())
    assert message.startswith("ERROR: --recipe: 'digits_cn' cannot be used.")
    assert not (suite.root / "collected").exists(), "a test file was imported"
    assert not result.folder.exists()
    assert not (suite.root / "benchmarks").exists()


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
