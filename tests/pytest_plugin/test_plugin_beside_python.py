"""A record from Python says what one of the suite says."""

import vitcnn
from vitcnn import LatencyCase

CASE = LatencyCase(architecture="lenet", px=28, batch=1)
SUITE = """
    from vitcnn import LatencyCase

    CASES = (LatencyCase(architecture="lenet", px=28, batch=1),)


    def test_latency(case, measure):
        measure(case)
"""
OF_ONE_RUN = {"rounds", "calls_per_round", "cpus", "bound"}
"""Settings that differ from run to run; `cpus` is absent where the rounds are over too soon to tell."""


def test_the_records_differ_in_nothing_but_what_was_measured(suite, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    suite.write("test_latency.py", SUITE)
    result = suite.run(models=True)
    assert result.exit_code == 0, result.out
    [ours] = result.run.records
    alone = vitcnn.measure(CASE, device="cpu")
    of_one, of_the_suite = (
        {name: value for name, value in record.settings.items() if name not in OF_ONE_RUN} for record in (alone, ours)
    )
    assert of_one == of_the_suite
    assert [m.metric for m in alone.measurements] == [m.metric for m in ours.measurements]
    assert (alone.case, alone.family, alone.status) == (ours.case, ours.family, ours.status)
