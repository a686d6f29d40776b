"""Study B's recipe from start to end on files of the formats that it needs: MNIST's, and weights in the hub's cache.

Both are made here: few images, tiny models with random weights. Nothing here says how good anything is.
"""

import hashlib

import numpy as np
import pytest
import timm
import torch
from hub_builders import put_into_cache
from safetensors.torch import save

from vitcnn import AdaptationCase
from vitcnn.bench import Bench
from vitcnn.bench.obstacles import obstacle
from vitcnn.measuring.alone import measured
from vitcnn.tasks import Tasks, tasks
from vitcnn.tasks.idx import NAMES, idx_files, idx_task

COUNTS = {"train": 40, "t10k": 20}
SETTING = {"task": "mnist", "recipe": "study_b,epochs=2,batch=20", "num_seeds": 1}
VIT = AdaptationCase(architecture="timm/test_vit", adaptation="lora16_qv", **SETTING)
CNN = AdaptationCase(architecture="timm/test_efficientnet", adaptation="head_views5", **SETTING)
CACHED = {VIT.architecture: "test_vit.r160_in1k", CNN.architecture: "test_efficientnet.r160_in1k"}

TRAINABLE = {VIT: 6 * 2 * 16 * (64 + 64) + 64 * 10 + 10, CNN: 256 * 10 + 10}
"""By hand: query and value of six blocks of width 64, with a head; a head on 256 features."""


def idx(array):
    """The bytes of an IDX file of bytes: magic number, each dimension as four bytes, the values."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


def put_mnist(root):
    """Put the four files of MNIST's format below `root`; return the task of them, of MNIST's name."""
    rng, contents = np.random.default_rng(0), {}
    for part, count in COUNTS.items():
        contents[f"{part}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (count, 28, 28), np.uint8))
        contents[f"{part}-labels-idx1-ubyte"] = idx((np.arange(count) % 10).astype(np.uint8))
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    sums = [("", hashlib.md5(contents[name], usedforsecurity=False).hexdigest()) for name in NAMES]
    about = {"classes": tuple("0123456789"), "recipes": "glyphs", "target_accuracy": 0.9, "source": "made for a test"}
    return idx_task(name="mnist", files=idx_files("MNIST", (), sums), **about)


@pytest.fixture(scope="module")
def bench(cpu, tmp_path_factory):
    """A bench whose data root has MNIST's files, beside a cache of the hub with the weights of both models."""
    root, cache = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("hub")
    for name in CACHED.values():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            put_into_cache(cache, name, save(timm.create_model(name).state_dict()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setitem(tasks(), "mnist", put_mnist(root))
        yield Bench(device=cpu, tasks=Tasks(root), progress=lambda *_told: None)


@pytest.fixture(scope="module")
def records(bench):
    return {case: measured(case, bench) for case in (VIT, CNN)}


EACH = pytest.mark.parametrize("case", [VIT, CNN], ids=lambda case: case.adaptation)


@EACH
def test_nothing_keeps_it_from_starting_where_data_and_weights_are(case, bench, tmp_path, monkeypatch):
    assert obstacle(case, bench.device, bench.tasks) == ""
    missing = f"mnist is not under {tmp_path}: run `vitcnn fetch mnist` where there is a network"
    assert obstacle(case, bench.device, Tasks(tmp_path)) == missing
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert obstacle(case, bench.device, bench.tasks).startswith(f"weights of {case.architecture} are not here")


@EACH
def test_it_measures_what_the_published_table_has(case, records):
    record = records[case]
    for metric in ("test_accuracy", "f1_weighted", "roc_auc_micro", "roc_auc_macro"):
        [value] = record.samples(metric)
        assert 0 <= value <= 1
    assert record.samples("trainable_parameters") == (TRAINABLE[case],)
    assert record.settings["num_trainable"] == TRAINABLE[case]
    assert (record.settings["weights"], record.settings["hub"]) == ("hub", f"timm/{CACHED[case.architecture]}")
    assert (record.settings["num_train_images"], record.settings["task_px"]) == (40, 28)
    assert record.settings["model_px"] == 160


@EACH
def test_it_keeps_what_the_pictures_of_the_study_show(case, records):
    series = {series.name: np.asarray(series.values) for series in records[case].series}
    assert series["confusion_matrix"].shape == (1, 10, 10)
    assert series["confusion_matrix"].sum(axis=2).tolist() == [[2] * 10]
    right = series["confusion_matrix"].trace(axis1=1, axis2=2) / 20
    assert right.tolist() == list(records[case].samples("test_accuracy"))
    assert series["roc_curve"].shape == (1, len(series["false_positive_rate"]))
    assert series["training_loss"].shape == (1, 2)
    assert np.isfinite(series["training_loss"]).all()
    assert series["tested_epoch"].tolist() == [1, 2]
    assert series["test_accuracy"].shape == (1, 2)
