"""The options are few and frozen; under xdist nothing is timed."""

import re

import pytest

FROZEN = {
    *(
        "--device",
        "--preset",
        "--arch",
        "--task",
        "--recipe",
        "--weights",
        "--seeds",
        "--data-root",
        "--out",
        "--resume",
    ),
    *("--gate", "--gate-reruns", "--count-instructions", "--energy"),
}


def listed(suite) -> set[str]:
    """Return the long options that --help lists."""
    result = suite.run("--help", out=False)
    assert result.exit_code == 0, result.out
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", result.out, re.MULTILINE))


def test_the_plugin_adds_these_options_and_no_other(suite):
    with_plugin = listed(suite)
    suite.write("conftest.py", "")
    assert with_plugin - listed(suite) == FROZEN


def test_the_header_says_what_will_be_measured(suite):
    result = suite.run("--device=cpu", "--preset=full")
    assert re.search(
        r"^vitcnn: device cpu-\S+t, preset full, baselines benchmarks/baselines/cpu-\S+t$", result.out, re.M
    )


def test_under_xdist_nothing_is_timed_and_the_controller_accounts_for_all(suite):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed: pip install pytest-xdist")
    suite.write(
        "test_many.py",
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_many(measure, number): measure.time(lambda: sum(range(1000)))

        def test_fails(measure): raise ValueError("stung")
        """,
    )
    result = suite.run("-p", "xdist", "-n2", "--benchmark-json=asked.json")
    assert result.exit_code == pytest.ExitCode.TESTS_FAILED, result.out
    disabled = {f"test_many[{number}]": "disabled" for number in range(4)}
    assert result.outcomes == {**disabled, "test_fails": "failed"}
    assert "xdist" in result.case("test_many[0]").reason
    assert result.case("test_fails").reason == "ValueError: stung"
    assert result.run.records == ()
    assert sorted(map(str, result.journal)) == sorted(map(str, result.run.cases))
    assert len(list(suite.root.rglob("run.json"))) == 1
    assert (suite.root / "asked.json").read_text() == result.run_json.read_text()


def test_a_worker_that_dies_is_replaced_and_what_the_others_report_stays(suite):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed: pip install pytest-xdist")
    suite.write(
        "test_dies.py",
        """
        import os

        def test_ant(measure): measure.time(lambda: sum(range(1000)))
        def test_bee(measure): os._exit(9)
        def test_cat(measure): measure.time(lambda: sum(range(1000)))
        """,
    )
    result = suite.run("-p", "xdist", "-n1")
    assert "INTERNALERROR" not in result.out
    assert "holds no run yet" not in result.out
    assert (result.case("test_ant").outcome, result.case("test_cat").outcome) == ("disabled", "disabled")
    assert (result.case("test_bee").outcome, result.exit_code) == ("failed", pytest.ExitCode.TESTS_FAILED)


def test_energy_that_is_asked_for_and_unknown_is_explained(suite):
    suite.write(
        "benchmarks/test_one.py",
        """
        from vitcnn import LatencyCase
        from vitcnn.device import rapl

        rapl.ROOT = rapl.ROOT / "nowhere"
        CASES = [LatencyCase(architecture="lenet", px=28, batch=1)]

        def test_one(case, measure):
            measure(case)
        """,
    )
    result = suite.run("--device=cpu", "--energy", "benchmarks")
    assert result.exit_code == 0, result.out
    assert "Energy is unknown: there is no RAPL counter of a processor" in result.out
    [record] = result.run.records
    assert record.settings["energy"]["unknown"].startswith("there is no RAPL counter")
