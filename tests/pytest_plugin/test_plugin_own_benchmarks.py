"""A user's own benchmarks, in a repository of their own: ids, groups, parameters; nothing here imports torch."""

import json

import pytest

OWN = """
    import pytest


    def work():
        return sum(range(1000))


    @pytest.mark.benchmark(group="mine")
    def test_grouped(measure):
        measure.time(work)


    @pytest.mark.parametrize("size", [10, 20])
    def test_sizes(measure, size):
        measure.time(lambda: sum(range(size)))


    class TestInAClass:
        def test_sizes(self, measure):
            measure.time(work)
"""


@pytest.fixture(scope="module")
def result(new_suite):
    suite = new_suite({"test_own.py": OWN, "below/test_own_too.py": OWN.replace('"mine"', '"yours"')})
    return suite.run("--benchmark-timer=time.process_time")


def test_ids_are_node_ids_and_differ_between_files(result):
    names = ["test_grouped", "test_sizes[10]", "test_sizes[20]", "TestInAClass::test_sizes"]
    expected = [f"{file}::{name}" for file in ("below/test_own_too.py", "test_own.py") for name in names]
    assert result.exit_code == 0, result.out
    assert sorted(case.id for case in result.run.cases) == sorted(expected)
    assert sorted(record.case for record in result.run.records) == sorted(expected)


def test_a_group_of_the_users_own_is_respected_and_keeps_the_clock_of_the_device(result):
    groups = {row["fullname"]: row["group"] for row in result.document["benchmarks"]}
    assert groups["test_own.py::test_grouped"] == "mine"
    assert groups["below/test_own_too.py::test_grouped"] == "yours"
    assert set(groups.values()) == {"mine", "yours", "own"}
    assert {row["options"]["timer"] for row in result.document["benchmarks"]} == {"perf_counter"}


HOW = """
    import gc
    import pytest

    def perf_counter(now=[0.0]):
        now[0] += 1e-3
        return now[0]

    @pytest.mark.benchmark(timer=perf_counter)
    def test_clock(measure): measure.time(int)

    @pytest.mark.benchmark(disable_gc=True)
    def test_marked(measure): measure.time(lambda: sum(range(99)))

    def test_switched_off(measure):
        gc.disable()
        try:
            measure.time(lambda: sum(range(99)))
        finally:
            gc.enable()

    def test_usual(measure): measure.time(lambda: sum(range(99)))

    async def wait(): pass

    @pytest.mark.parametrize("name", ["generator", "coroutine"])
    def test_nothing_runs(measure, name):
        measure.time({"generator": lambda: (n for n in range(9)), "coroutine": wait}[name])
"""


def test_what_a_time_means_nothing_without_is_recorded(suite):
    suite.write("test_how.py", HOW)
    result = suite.run()
    settings = {record.case.partition("::")[2]: record.settings for record in result.run.records}
    assert {name: (found["timer"], found.get("garbage")) for name, found in settings.items()} == {
        "test_clock": ("test_how.perf_counter", None),
        "test_marked": ("perf_counter", "not collected"),
        "test_switched_off": ("perf_counter", "not collected"),
        "test_usual": ("perf_counter", None),
    }
    reasons = {case.id.partition("::")[2]: case.reason for case in result.run.cases if case.outcome == "failed"}
    assert set(reasons) == {"test_nothing_runs[generator]", "test_nothing_runs[coroutine]"}
    assert "the function returned a generator, whose work has not been done" in reasons["test_nothing_runs[generator]"]


def test_every_row_has_a_record(result):
    records = {record.case: record for record in result.run.records}
    for row in result.document["benchmarks"]:
        record = records[row["fullname"]]
        assert (record.architecture, record.family) == ("", "")


def test_a_parameter_that_is_named_case_and_holds_none_is_an_ordinary_one(suite):
    text = """
        import pytest

        @pytest.mark.parametrize("case", ["upper", "lower"])
        def test_{name}(measure, case): measure.time(lambda: sum(range(1000)))
    """
    suite.write("test_here.py", text.format(name="here"))
    suite.write("test_there.py", text.format(name="there"))
    result = suite.run()
    assert result.exit_code == 0, result.out
    assert [case.id for case in result.run.cases] == [
        f"test_{name}.py::test_{name}[{case}]" for name in ("here", "there") for case in ("upper", "lower")
    ]


def test_fixtures_and_parameters_of_the_users_own_are_left_alone(suite):
    """`task`, `architecture` are ordinary words: switching the plugin on must not change tests that use them."""
    suite.write(
        "test_own_words.py",
        """
        import pytest

        @pytest.fixture
        def task(): return "laundry"

        def test_fixture(task): assert task == "laundry"

        @pytest.mark.parametrize("architecture", ["gothic", "baroque"])
        def test_parameter(architecture): assert architecture in ("gothic", "baroque")
        """,
    )
    result = suite.run("-v")
    assert result.exit_code == 0, result.out
    assert "3 passed" in result.out
    assert "digits" not in result.out


def test_the_users_own_tests_beside_are_no_cases(suite):
    suite.write(
        "test_mixed.py",
        """
        def test_plain(): pass
        def test_pytest_benchmarks_own(benchmark): benchmark(sum, range(1000))
        def test_ours(measure): measure.time(lambda: sum(range(1000)))
        """,
    )
    result = suite.run("--benchmark-json=asked.json")
    assert result.exit_code == 0, result.out
    assert result.outcomes == {"test_ours": "passed"}
    assert "3 passed" in result.out
    assert '"test_pytest_benchmarks_own"' in (suite.root / "asked.json").read_text()


def test_rows_of_the_users_own_are_kept_where_every_case_of_ours_is_skipped(suite):
    suite.write(
        "test_mixed.py",
        """
        import pytest

        def test_pytest_benchmarks_own(benchmark): benchmark(sum, range(1000))
        def test_ours(measure): pytest.skip("no data")
        """,
    )
    result = suite.run("--benchmark-json=asked.json")
    assert result.exit_code == 0, result.out
    asked = json.loads((suite.root / "asked.json").read_text())
    assert [row["name"] for row in asked["benchmarks"]] == ["test_pytest_benchmarks_own"]
    assert asked["vitcnn"] == result.document["vitcnn"]


MISUSE = """
    def test_no_case(measure):
        measure("latency")


    def test_no_function(measure):
        measure.time(3)


    def test_no_images(measure):
        measure.time(int, images=0)


    def test_twice(measure):
        measure.time(int)
        measure.time(int)
"""

MISUSED = {
    "test_no_case": "measure(case): 'latency' cannot be used. Allowed: a case",
    "test_no_function": "measure.time(run): 3 cannot be used. Allowed: a function",
    "test_no_images": "images: 0 cannot be used. Allowed: whole numbers from 1",
    "test_twice": "measure: 'a second call' cannot be used. Allowed: one call a test",
}


def test_misuse_of_measure_is_said_in_words(new_suite):
    result = new_suite({"test_misuse.py": MISUSE}).run(models=True)
    reasons = {case.id.partition("::")[2]: (case.outcome, case.reason) for case in result.run.cases}
    assert {outcome for outcome, _ in reasons.values()} == {"failed"}
    for name, message in MISUSED.items():
        assert message in reasons[name][1]
