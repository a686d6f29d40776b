"""What is said of durations on a GPU, on which nobody has measured any; torch only says that there is one."""

import json

import pytest
from miniature import Suite
from record_builders import run_of

from vitcnn.cli import main
from vitcnn.durations.estimate import NOTHING_KNOWN
from vitcnn.record import CaseResult
from vitcnn.suite import cases_in, of_preset

ONE_GPU = """
    import torch

    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1
    torch.cuda.get_device_name = lambda _device: "NVIDIA H200"
    pytest_plugins = ["vitcnn.pytest_plugin"]
"""
OWN = """
    def test_ant(measure):
        measure.time(int)
"""


def store_run(root, case):
    run = run_of(CaseResult(id=case, outcome="passed", wall_s=120.0), device_key="nvidia-h200")
    path = root / ".vitcnn" / "runs" / "1" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"vitcnn": run.to_json()}), encoding="utf-8")


@pytest.fixture
def suite(tmp_path):
    made = Suite(tmp_path)
    made.write("conftest.py", ONE_GPU)
    made.write("benchmarks/test_own.py", OWN)
    return made


def test_the_doctor_says_that_no_durations_are_known_until_a_first_run_has_measured_them(
    two_gpus, capsys, monkeypatch, tmp_path, pytestconfig
):
    monkeypatch.chdir(tmp_path)
    benchmarks = pytestconfig.rootpath / "benchmarks"
    doctor = ["doctor", "--preset", "standard", "--device", "cuda", "--suite", str(benchmarks)]
    main(doctor)
    assert " ".join(capsys.readouterr().out.split()).endswith(NOTHING_KNOWN)
    assert "no durations of them have been measured on this kind of device" in NOTHING_KNOWN
    case = next(str(case) for case in of_preset(cases_in(benchmarks), "standard") if case.question == "latency")
    store_run(tmp_path, case)
    main(doctor)
    said = " ".join(capsys.readouterr().out.split())
    assert "cases takes at least 2 min, by the last run on this machine; how long the other " in said


def test_a_run_begins_by_saying_that_no_durations_are_known_and_the_next_one_with_an_estimate(suite):
    begin = ("benchmarks", "--device", "cuda", "--collect-only")
    assert f"\nvitcnn: {NOTHING_KNOWN}\n" in suite.run(*begin).out
    store_run(suite.root, "benchmarks/test_own.py::test_ant")
    assert "\nvitcnn: 1 case takes about 2 min, by the last run on this machine.\n" in suite.run(*begin).out
