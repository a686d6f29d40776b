from dataclasses import replace

import pytest

from vitcnn import AccuracyCase, LatencyCase, RobustnessCase
from vitcnn.architectures import architectures
from vitcnn.bench.obstacles import compiler, obstacle, without_compiler, without_input
from vitcnn.device import Device
from vitcnn.tasks import Tasks, tasks

GPU = Device(name="cuda:0", key="test-gpu")
LATENCY = LatencyCase(architecture="lenet", px=28, batch=1)
COMPILED = replace(LATENCY, mode="compiled")
ON_MNIST = AccuracyCase(architecture="lenet", task="mnist", recipe="glyphs_cnn")


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)


def test_nothing_stands_in_the_way_of_an_eager_case(cpu, tmp_path, no_compiler):
    assert obstacle(LATENCY, cpu, Tasks(tmp_path)) == ""


def test_a_compiled_case_on_a_cpu_needs_a_compiler(cpu, tmp_path, no_compiler):
    assert obstacle(COMPILED, cpu, Tasks(tmp_path)).startswith("torch.compile needs a C++ compiler: install g++")
    assert without_compiler(COMPILED, GPU) == ""


def test_cxx_names_the_compiler(cpu, tmp_path, monkeypatch, no_compiler):
    own = tmp_path / "own-c++"
    own.touch(mode=0o755)
    monkeypatch.setenv("CXX", str(own))
    assert compiler() == str(own)
    assert without_compiler(COMPILED, cpu) == ""


def test_files_that_are_missing_are_said_with_the_command_that_gets_them(cpu, tmp_path):
    found = obstacle(ON_MNIST, cpu, Tasks(tmp_path))
    assert found == f"mnist is not under {tmp_path}: run `vitcnn fetch mnist` where there is a network"
    for file in tasks()["mnist"].files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).touch()
    assert obstacle(ON_MNIST, cpu, Tasks(tmp_path)) == ""


def test_a_resolution_that_is_not_in_the_map_is_said_with_those_that_are(monkeypatch, tmp_path):
    small = replace(architectures()["lenet"], name="small", takes=None, resolutions={28: 28})
    monkeypatch.setitem(architectures(), "small", small)
    case = replace(LATENCY, architecture="small", px=224)
    assert (
        without_input(case, Tasks(tmp_path))
        == "small takes 28 px, not 224 px: its resolutions are stated one by one. Name another architecture for it"
    )
    assert without_input(replace(case, px=28), Tasks(tmp_path)) == ""


def test_a_question_about_single_images_says_what_the_task_gives(tmp_path):
    case = RobustnessCase(architecture="lenet", task="digit_anchor_mnist", recipe="many_sequences_cnn")
    assert without_input(case, Tasks(tmp_path)) == (
        "robustness can be asked where one input is an image, not an anchor and sequence of images"
    )
