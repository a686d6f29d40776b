from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vitcnn import DefectsCase, RobustnessCase
from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.bench import defects as reading
from vitcnn.bench.mask_head import last_map, outlining
from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.measuring.runner import measure
from vitcnn.pytest_plugin.selection import of_task
from vitcnn.questions import prepared
from vitcnn.recipes import recipes
from vitcnn.recipes.small import PHOTOS_CNN
from vitcnn.spec import InputShape
from vitcnn.tasks import Tasks, defects, tasks

TINY = defects.TileKind(name="defects", tile_px=64, unit_px=64, width=320, height=192, num_train=48, num_test=24)
CASE = DefectsCase(
    architecture="lenet", task="defects", recipe="toy_defects", num_train=32, num_frames=2, num_seeds=2, overlap=0.25
)


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """Make the task small and its training short; return where its tiles lie."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(defects.KINDS, "defects", TINY)
        patch.setitem(tasks(), "defects", defects._task(TINY))
        patch.setitem(recipes(), "toy_defects", replace(PHOTOS_CNN, name="toy_defects", epochs=2))
        patch.setattr(reading, "STEPS", 5)
        yield tmp_path_factory.mktemp("data")


def bench(root, progress=lambda *_told: None):
    return Bench(device=Device(name="cpu", key="cpu-test-1t"), tasks=Tasks(root), progress=progress)


def stopwatch(run, *, rounds, calls, before_round, after_round):
    for _ in range(rounds):
        before_round()
        run()
        after_round()
    return (0.5,) * rounds


@pytest.fixture(scope="module")
def finished(toys):
    return measure(CASE, bench=bench(toys), stopwatch=stopwatch, floor_bytes=0)


def series_of(record):
    return {series.name: np.array(series.values) for series in record.series}


def test_the_id_says_how_many_tiles_which_overlap_and_how_many_frames():
    assert str(CASE) == "defects/lenet/defects/toy_defects/s2/n32/o25/f2/fp32/eager"
    assert "/o0/f8/" in str(
        DefectsCase(architecture="lenet", task="defects", recipe="photos_cnn", num_train=5, overlap=0.0)
    )
    with pytest.raises(UserError, match="overlap: 1 cannot be used"):
        replace(CASE, overlap=1)


def test_a_record_says_what_was_found_on_the_frames(finished):
    record, series = finished, series_of(finished)
    for name in ("frame_tile_accuracy", "defect_recall", "defect_iou", "mask_miou", "test_accuracy"):
        assert len(record.samples(name)) == 2
        assert all(0 <= value <= 1 for value in record.samples(name))
    recalls = series["recall"]
    assert recalls.shape == (2, 6)
    assert (np.diff(recalls, axis=1) >= 0).all(), "more false alarms, no fewer defects"
    assert recalls[:, 2].tolist() == list(record.samples("defect_recall"))
    assert (series["defects_found"] <= series["defects"]).all()
    assert series["defects"].sum(axis=1).min() > 0


def test_every_pixel_of_the_frames_is_in_the_masks(finished):
    series = series_of(finished)
    wrong = series["mask_union"] - series["mask_intersection"]
    assert (series["mask_intersection"].sum(axis=1) + wrong.sum(axis=1) / 2).tolist() == [2 * 320 * 192] * 2
    scenes = [defects.frame(TINY, number) for number in range(2)]
    counts = sum(np.bincount(scene.mask.ravel(), minlength=4) for scene in scenes)
    assert (series["mask_union"] >= counts).all()


def test_settings_state_the_rules(finished):
    settings = finished.settings
    assert (settings["frame"], settings["tile_px"], settings["num_frames"]) == ([320, 192], 64, 2)
    assert (settings["overlap"], settings["least_defect_px"], settings["num_train_images"]) == (0.25, 24, 32)


def test_frames_are_read_by_the_trained_model_at_the_size_of_tiles(toys):
    subject = prepared(replace(CASE, num_seeds=1), bench(toys))
    subject.warm_up()
    subject.before_round()
    subject.run()
    owner = subject.run.__self__._state.model  # the model of the seed whose turn it is
    frame = torch.from_numpy(defects.frame(TINY, 0).image).float() * 2 / 255 - 1
    with torch.no_grad():
        tile = torch.nn.functional.interpolate(frame[None, :, :64, :64], size=32, mode="bilinear", antialias=True)
        expected = owner.eval()(tile).softmax(dim=1)
    state = subject.settings, subject.run.__self__._run.__self__.read.probabilities[0][:1]
    torch.testing.assert_close(state[1], expected, atol=1e-4, rtol=1e-4)


def test_another_task_has_no_frames(toys):
    with pytest.raises(UserError, match=r"task of defects: 'digits' cannot be used\. Allowed: defects, defects512"):
        prepared(replace(CASE, task="digits"), bench(toys))


def test_no_case_of_defects_is_put_on_a_task_without_frames():
    robust = RobustnessCase(architecture="lenet", task="mnist", recipe="digits_cnn")
    chosen = of_task([CASE, robust], tasks()["digits"])
    assert [(case.question, case.task) for case in chosen] == [("robustness", "digits")]
    assert [case.task for case in of_task([CASE], tasks()["defects512"])] == ["defects512"]


@pytest.mark.parametrize(
    "name, px, expected",
    [
        ("lenet", 32, (16, 5, 5)),
        ("speedrun_cnn", 32, (256, 3, 3)),
        ("speedrun_vit", 32, (192, 7, 7)),
        ("vit_micro", 32, (96, 4, 4)),
        ("resnet18", 64, (512, 2, 2)),
    ],
)
def test_the_last_map_is_what_the_last_layer_with_places_returns(name, px, expected):
    shape = InputShape(px=px, channels=3, num_classes=4)
    model = architecture(name).build(shape).eval()
    found = last_map(model, shape)(torch.zeros(2, 3, px, px))
    assert found.shape == (2, *expected)


class Brightness(nn.Sequential):
    """Two layers that average squares of 8 px, then a head that is not used."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 1, 8, stride=8), nn.Flatten(), nn.Linear(16, 2))
        nn.init.constant_(self[0].weight, 1 / 192)
        nn.init.zeros_(self[0].bias)


def test_the_head_learns_masks_that_its_features_show_and_leaves_the_rest_as_it_is():
    generator = torch.Generator().manual_seed(0)
    bright = torch.rand(64, 4, 4, generator=generator) < 0.2
    masks = bright.repeat_interleave(8, 1).repeat_interleave(8, 2).to(torch.uint8)
    images = (100 + 100 * masks)[:, None].expand(-1, 3, -1, -1).contiguous()
    model = Brightness()
    before = model[0].weight.clone()
    shape = InputShape(px=32, channels=3, num_classes=2)
    outlines = outlining(
        model, images, masks, shape=shape, device=Device(name="cpu", key="cpu"), precision="fp32", seed=0
    )
    with torch.no_grad():
        answers = outlines(images.float() * 2 / 255 - 1).argmax(dim=1)
    assert (answers == masks).float().mean() > 0.9
    assert torch.equal(before, model[0].weight)
