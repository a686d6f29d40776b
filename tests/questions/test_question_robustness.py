from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitcnn import RobustnessCase, Takes
from vitcnn.architectures import architecture, architectures
from vitcnn.bench import Bench
from vitcnn.bench import corrupted as corrupted_test
from vitcnn.bench.setup import setup_of
from vitcnn.corruptions import corrupted, corruptions
from vitcnn.images import shrunk
from vitcnn.measuring.runner import measure
from vitcnn.questions import prepared
from vitcnn.recipes import recipes
from vitcnn.recipes.small import DIGITS_CNN
from vitcnn.spec import Split
from vitcnn.tasks import Tasks, tasks
from vitcnn.tasks.digits import load_digits
from vitcnn.training import shrunk_split

CASE = RobustnessCase(architecture="lenet", task="few_digits", recipe="toy_robust", num_seeds=2)
NUM_TEST = 60


def few_digits(*_unused):
    digits = load_digits()
    first = {"train": 256, "test": NUM_TEST}
    parts = {
        name: Split(images=getattr(digits, name).images[:count], labels=getattr(digits, name).labels[:count])
        for name, count in first.items()
    }
    return replace(digits, **parts)


@pytest.fixture(scope="module", autouse=True)
def toys():
    """Enter a short recipe and a small task into the catalogues."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(recipes(), "toy_robust", replace(DIGITS_CNN, name="toy_robust", epochs=8))
        patch.setitem(tasks(), "few_digits", replace(tasks()["digits"], name="few_digits", loader=few_digits))
        yield


def bench(device, progress=lambda *_told: None):
    return Bench(device=device, tasks=Tasks(Path("unused")), progress=progress)


def stopwatch(run, *, rounds, calls, before_round, after_round):
    for _ in range(rounds):
        before_round()
        run()
        after_round()
    return (0.5,) * rounds


@pytest.fixture(scope="module")
def finished():
    """Measure the toy case once: its record, what was told on the way."""
    from vitcnn.device import Device

    told = []
    device = Device(name="cpu", key="cpu-test-1t")
    where = bench(device, lambda done, total, text: told.append((done, total, text)))
    return measure(CASE, bench=where, stopwatch=stopwatch, floor_bytes=0), told


def series_of(record):
    return {series.name: np.array(series.values) for series in record.series}


def test_record_holds_the_accuracy_of_each_seed_under_each_corruption_at_each_severity(finished):
    record, _ = finished
    series = series_of(record)
    under_shift = series["accuracy_under_shift"]
    assert under_shift.shape == (2, 7, 6)
    right = series["test_predictions"] == series["test_labels"]
    assert np.array_equal(under_shift[:, :, 0], np.repeat(right.mean(axis=1)[:, None], 7, axis=1))
    assert right.mean() > 0.5, "chance is a tenth"
    assert under_shift[:, :, 1:].mean() < right.mean(), "corruption costs accuracy"
    named = [(entry["name"], entry["unit"], len(entry["severities"])) for entry in record.settings["corruptions"]]
    assert named == [(c.name, c.unit, 5) for c in corruptions().values()]


def test_it_measures_each_seeds_accuracy_on_corrupted_images_and_what_that_is_of_its_accuracy(finished):
    record, _ = finished
    counted = {"operators", "allocated_bytes", "synchronisations"}
    assert [m.metric for m in record.measurements if m.metric not in counted] == [
        "clean_accuracy",
        "corrupted_accuracy",
        "mean_relative_accuracy",
    ]
    under_shift = series_of(record)["accuracy_under_shift"]
    assert record.samples("clean_accuracy") == pytest.approx(tuple(under_shift[:, 0, 0]))
    assert record.samples("corrupted_accuracy") == pytest.approx(tuple(seed[:, 1:].mean() for seed in under_shift))
    expected = [(seed[:, 1:] / seed[:, :1]).mean() for seed in under_shift]
    assert record.samples("mean_relative_accuracy") == pytest.approx(tuple(expected))


def test_times_right_add_up_to_the_accuracies(finished):
    series = series_of(finished[0])
    times = series["times_right_under_shift"]
    assert times.shape == (2, NUM_TEST)
    assert times.max() <= 35
    np.testing.assert_allclose(times.mean(axis=1) / 35, series["accuracy_under_shift"][:, :, 1:].mean(axis=(1, 2)))


def test_progress_counts_epochs_and_corruptions_of_every_seed(finished):
    _, told = finished
    assert [done for done, _, _ in told] == list(range(1, 31))
    assert {total for _, total, _ in told} == {2 * (8 + 7)}
    assert told[7][2].startswith("seed 0: 8/8 epochs, loss ")
    assert told[-1][2] == "seed 1: 7/7 corruptions, occlusion"


def test_training_is_done_before_the_clock_starts_and_asking_changes_no_weight(cpu, monkeypatch):
    models = []
    built = corrupted_test.new_model

    def kept(setup, seed):
        models.append(built(setup, seed))
        return models[-1]

    monkeypatch.setattr("vitcnn.bench.seeds.new_model", kept)
    subject = prepared(CASE, bench(cpu))
    subject.before_round()
    [model] = models
    untrained = built(setup_of(CASE, bench(cpu)), 0)
    assert not torch.equal(next(model.parameters()), next(untrained.parameters()))
    before = [tensor.clone() for tensor in model.state_dict().values()]
    subject.run()
    assert all(torch.equal(*pair) for pair in zip(before, model.state_dict().values(), strict=True))
    assert not model.training
    assert subject.images_per_run == 35 * NUM_TEST


class BrightestRow(nn.Module):
    """A model without weights: its logits say which of ten rows of the image is the brightest."""

    def forward(self, images):
        return images[:, 0, 9:19].mean(dim=2)


@pytest.mark.parametrize("batch", [NUM_TEST, 25])
def test_answers_are_those_about_each_corrupted_image_alone(cpu, monkeypatch, batch):
    monkeypatch.setattr(corrupted_test, "batch_of", lambda _setup: batch)
    setup, model = setup_of(CASE, bench(cpu)), BrightestRow()
    images, labels = torch.from_numpy(few_digits().test.images), few_digits().test.labels
    for corruption in corruptions().values():
        right = torch.cat(
            [corrupted_test.right_under(setup, model, corruption, b) for b in corrupted_test.batches(setup)], dim=1
        )
        for severity, row in enumerate(right, 1):
            for number, start in enumerate(range(0, NUM_TEST, batch)):
                worse = corrupted(images[start : start + batch], corruption, severity, seed=number)
                rows = worse.numpy().astype(float)[:, 0, 9:19].mean(axis=2)
                ours = row[start : start + batch].numpy()
                best_two = np.sort(rows, axis=1)[:, -2:]
                clear = best_two[:, 1] - best_two[:, 0] > 1e-3  # a tie may fall either way
                expected = rows.argmax(axis=1) == labels[start : start + batch]
                assert np.array_equal(ours[clear], expected[clear])


def asked_about(case, where, model):
    """Return all images that the model of a robustness case is asked about while the clock runs."""
    setup, asked = setup_of(case, where), []
    model.register_forward_pre_hook(lambda _module, given: asked.append(given[0]))
    for corruption in corruptions().values():
        for batch in corrupted_test.batches(setup):
            corrupted_test.right_under(setup, model, corruption, batch)
    return torch.cat(asked)


def test_every_architecture_sees_the_same_corrupted_images(cpu):
    seen = [
        asked_about(replace(CASE, architecture=name), bench(cpu), BrightestRow()) for name in ("lenet", "vit_micro")
    ]
    assert torch.equal(*seen)
    assert len(seen[0]) == 35 * NUM_TEST


def test_images_too_large_for_the_model_are_corrupted_first_and_then_shrunk_as_for_training(cpu, monkeypatch):
    class Ones(nn.Module):
        def forward(self, images):
            return torch.ones(len(images), 10)

    takes = Takes(at_least_px=14, at_most_px=14)
    small = replace(architecture("lenet"), name="only_14", takes=takes, builder=lambda _shape: Ones())
    monkeypatch.setitem(architectures(), "only_14", small)
    seen = asked_about(replace(CASE, architecture="only_14"), bench(cpu), Ones())
    images = torch.from_numpy(few_digits().test.images)
    first = corrupted(images, corruptions()["shift"], 1, seed=0)
    expected = shrunk_split(Split(images=first.numpy(), labels=few_digits().test.labels), 14, cpu).images
    assert torch.equal(seen[:NUM_TEST], torch.from_numpy(expected).float() * (2 / 255) - 1)


def test_images_no_larger_than_the_model_works_at_stay_as_they_are():
    images = torch.from_numpy(few_digits().test.images)
    assert shrunk(images, 28) is images


def test_large_images_are_corrupted_fewer_at_a_time(cpu, monkeypatch):
    setup = setup_of(CASE, bench(cpu))
    assert corrupted_test.batch_of(setup) == 512
    monkeypatch.setattr(corrupted_test, "BATCH_BYTES", 10 * 28 * 28 * 4 + 1)
    assert corrupted_test.batch_of(setup) == 10
