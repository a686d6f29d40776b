"""Measuring from Python: small cases, without pytest's plugin."""

import gc
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save

import vitcnn
from vitcnn import AccuracyCase, AdaptationCase, LatencyCase, MemoryCase, SequenceCase
from vitcnn.architectures import architecture
from vitcnn.bench import obstacles
from vitcnn.device import CleanState
from vitcnn.errors import CaseError, Leaked, MissingData, NoCompiler, UnknownName, UserError
from vitcnn.record import Record
from vitcnn.record.answers import answers
from vitcnn.tasks import tasks

LATENCY = LatencyCase(architecture="lenet", px=28, batch=2)
SUMS = SequenceCase(architecture="sum_of_digits", task="digit_sum_digits", recipe="sequences_cnn")
OWN = """
from torch import nn

LEFT = []


class Net(nn.Sequential):
    def __init__(self, px, channels, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(channels * px * px, num_classes))


class Keeping(Net):
    def forward(self, images):
        if len(LEFT) < 5:
            LEFT.append(images.repeat(200, 1, 1, 1))
        return super().forward(images)


class Growing(Net):
    def forward(self, images):
        self.seen = [*getattr(self, "seen", []), images.clone()]
        return super().forward(images)


class Broken(Net):
    def forward(self, images):
        if len(images) == 3:  # passes when it is tried before, on two
            raise ValueError("no such layer")
        return super().forward(images)
"""


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


def test_a_file_of_weights_is_named_without_its_folder(cpu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = architecture("lenet").build(tasks()["digits"].shape)
    (tmp_path / "mine.safetensors").write_bytes(save(model.state_dict()))
    recipe = f"transfer_head_cnn,epochs=1,weights=file:{tmp_path}/mine.safetensors"
    case = AdaptationCase(architecture="lenet", task="digits", recipe=recipe, adaptation="head", num_seeds=1)
    record = vitcnn.measure(case, device="cpu", data_root=tmp_path)
    assert (
        record.case
        == "adaptation/lenet/digits/transfer_head_cnn,epochs=1,weights=file:mine.safetensors/s1/head/fp32/eager"
    )
    assert record.settings["weights"] == "file:mine.safetensors"
    assert str(tmp_path) not in json.dumps(record.to_json())
    with pytest.raises(UserError, match="a safetensors file that is there"):
        vitcnn.measure(replace(case, recipe="transfer_head_cnn,weights=file:nowhere"), device="cpu", data_root=tmp_path)


def test_a_case_is_measured_timed_and_leaves_nothing_behind(cpu):
    clean, frozen = CleanState(cpu), gc.get_freeze_count()
    record = vitcnn.measure(LATENCY, device="cpu")
    clean.check()
    assert gc.get_freeze_count() == frozen
    assert (record.case, record.status) == ("latency/lenet/28/b2/fp32/eager", "ok")
    assert len(record.samples("latency_s")) == record.settings["rounds"] >= 5
    assert all(0 < seconds < 10 for seconds in record.samples("latency_s"))
    assert record.settings["timer"] == "perf_counter"
    assert "garbage" not in record.settings
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_the_record_says_that_garbage_was_not_collected():
    gc.disable()
    try:
        assert vitcnn.measure(LATENCY, device="cpu").settings["garbage"] == "not collected"
    finally:
        gc.enable()


def test_an_accuracy_case_is_trained_and_stands_in_the_table(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    case = AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn,epochs=1", num_seeds=1)
    record = vitcnn.measure(case, device="cpu", data_root=tmp_path)
    assert answers(record).right.shape == (1, 355)
    assert "accuracy" in vitcnn.table([record])
    assert list(tmp_path.iterdir()) == []


def test_an_own_model_is_measured_by_the_name_that_ids_show(own):
    record = vitcnn.measure(replace(LATENCY, architecture=f"{own}:Net"), device="cpu")
    assert (record.case, record.family) == ("latency/mine:Net/28/b2/fp32/eager", "other")


def test_what_an_own_model_raises_or_leaves_is_the_suite_s_error(own):
    with pytest.raises(CaseError, match=r"mine:Broken raised ValueError.*no such layer"):
        vitcnn.measure(replace(LATENCY, architecture=f"{own}:Broken", batch=3), device="cpu")
    with pytest.raises(Leaked, match="still allocated on cpu"):
        vitcnn.measure(replace(LATENCY, architecture=f"{own}:Keeping"), device="cpu")
    with pytest.raises(Leaked, match="each call keeps more memory"):
        vitcnn.measure(replace(LATENCY, architecture=f"{own}:Growing"), device="cpu")


@pytest.mark.parametrize(
    "case, settings, error, says",
    [
        ("latency", {}, UserError, "a case, such as LatencyCase"),
        (replace(LATENCY, architecture="lenett"), {}, UnknownName, "Did you mean lenet"),
        (LATENCY, {"device": "tpu"}, UserError, "auto, cpu, cuda"),
        (AccuracyCase(architecture="lenet", task="digitz", recipe="digits_cnn"), {}, UnknownName, "digits"),
        (replace(SUMS, task="digit_anchor_digits"), {}, UserError, "architectures that take an anchor and sequence"),
        (replace(SUMS, architecture="lenet"), {}, UserError, "architectures that take a sequence of images"),
        (replace(SUMS, task="digits"), {}, UserError, "tasks of which one input is a sequence of images or an anchor"),
    ],
)
def test_what_cannot_be_measured_is_refused_as_in_the_suite(case, settings, error, says):
    with pytest.raises(error, match=says):
        vitcnn.measure(case, **{"device": "cpu", **settings})


def test_data_that_are_not_here_are_missing(monkeypatch, tmp_path):
    files = tuple(replace(file, urls=("http://127.0.0.1:9/",)) for file in tasks()["mnist"].files)
    monkeypatch.setitem(tasks(), "mnist", replace(tasks()["mnist"]))
    object.__setattr__(tasks()["mnist"], "files", files)
    case = AccuracyCase(architecture="lenet", task="mnist", recipe="digits_cnn")
    with pytest.raises(MissingData, match="mnist"):
        vitcnn.measure(case, device="cpu", data_root=tmp_path)


def test_a_compiled_case_without_a_compiler_says_so(monkeypatch):
    monkeypatch.setattr(
        obstacles, "without_compiler", lambda case, _device: "needs a compiler" * (case.mode == "compiled")
    )
    with pytest.raises(NoCompiler, match="needs a compiler"):
        vitcnn.measure(replace(LATENCY, mode="compiled"), device="cpu")


def test_an_error_lets_go_of_the_model(own):
    def tensors():
        gc.collect()
        return sum(type(entry) is torch.nn.Parameter for entry in gc.get_objects())

    before = tensors()
    with pytest.raises(CaseError) as caught:
        vitcnn.measure(replace(LATENCY, architecture=f"{own}:Broken", batch=3), device="cpu")
    assert tensors() == before
    assert caught.value.__traceback__ is not None


def test_memory_cases_need_no_clock():
    record = vitcnn.measure(MemoryCase(architecture="lenet", px=28, batch=4, phase="inference"), device="cpu")
    assert record.samples("parameters") == (61_706,)


def test_importing_vitcnn_and_making_a_table_need_no_torch():
    code = (
        "import sys, vitcnn; assert 'measure' in dir(vitcnn); vitcnn.table([]); "
        "assert 'vitcnn.measuring' not in sys.modules; print({'torch', 'timm'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="'vitcnn' has no attribute 'measured'"):
        _ = vitcnn.measured
