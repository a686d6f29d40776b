from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vitcnn import AccuracyCase, FullFrameCase, LatencyCase, MemoryCase, TiledCase, TrainingCase
from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.bench.models import images_on
from vitcnn.bench.seed_rounds import SeedRounds
from vitcnn.bench.seeds import new_model
from vitcnn.bench.setup import setup_of
from vitcnn.errors import NotMeasurable
from vitcnn.metrics import metrics
from vitcnn.questions import prepared as prepare
from vitcnn.questions import questions
from vitcnn.spec import Case, InputShape
from vitcnn.tasks import Tasks, real_images
from vitcnn.training import Streamed

LATENCY = LatencyCase(architecture="lenet", px=28, batch=3)
TRAINING = TrainingCase(architecture="lenet", px=28, batch=3)
TILED = TiledCase(architecture="lenet", width=100, height=70, tile_px=32, batch=5)
ACCURACY = AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn", num_seeds=2)
MEMORY = MemoryCase(architecture="lenet", px=28, batch=3, phase="training")


def bench(device):
    return Bench(device=device, tasks=Tasks(Path("unused")), progress=lambda *_told: None)


def prepared(case: Case, device):
    return prepare(case, bench(device))


def weights(subject):
    return torch.cat([parameter.detach().flatten() for parameter in subject.model.parameters()])


@pytest.mark.parametrize("case", [LATENCY, TRAINING, TILED, MEMORY], ids=str)
def test_weights_are_random_and_the_same_at_every_call(cpu, case):
    torch.manual_seed(1)
    one = weights(prepared(case, cpu))
    torch.manual_seed(2)
    assert torch.equal(one, weights(prepared(case, cpu)))
    assert one.std() > 0.01


@pytest.mark.parametrize("px, channels", [(28, 1), (32, 3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_images_are_real_normalised_and_in_layout_and_precision(cpu, px, channels, layout, dtype):
    images = images_on(cpu, real_images.input_shape(px), 3, layout, dtype)
    assert images.shape == (3, channels, px, px)
    assert images.dtype == dtype
    assert images.is_contiguous(memory_format=layout)
    expected = torch.from_numpy(real_images.batch(px, 3)).double() * 2 / 255 - 1
    torch.testing.assert_close(images.double(), expected, atol=0.01 if dtype == torch.bfloat16 else 1e-6, rtol=0)


def test_latency_runs_one_forward_of_the_whole_batch_without_gradients(cpu):
    subject = prepared(LATENCY, cpu)
    logits = subject.run()
    assert logits.shape == (3, 10)
    assert logits.is_inference()
    assert torch.equal(logits, subject.run())
    assert subject.images_per_run == 3


def test_training_runs_a_step_that_changes_the_weights_and_lowers_the_loss(cpu):
    subject = prepared(TRAINING, cpu)
    before = weights(subject)
    losses = [subject.run().item() for _ in range(10)]
    assert not torch.equal(before, weights(subject))
    assert losses[-1] < losses[0]
    assert subject.settings["optimizer"]["kind"] == "adamw"


def test_tiles_are_answered_in_order_the_last_batch_smaller(cpu):
    subject = prepared(TILED, cpu)
    logits = subject.run()
    assert logits.shape == (12, 10)  # 28 px apart: 0 28 56 68 and 0 28 38
    frame = torch.from_numpy(real_images.frame(width=100, height=70)).float() * 2 / 255 - 1
    with torch.no_grad():
        last = subject.model(frame[None, :, 38:70, 68:100])
    torch.testing.assert_close(logits[-1:], last, atol=1e-4, rtol=1e-4)


def test_a_model_that_sees_the_whole_frame_is_skipped_with_the_name_of_its_part(cpu):
    case = FullFrameCase(architecture="efficientnet_b0", width=96, height=64)
    with pytest.raises(NotMeasurable, match=r"blocks\.0\.0\.se \(SqueezeExcite\) is global"):
        prepared(case, cpu)


@pytest.mark.parametrize("batch", [5, 12, 100])
def test_warm_up_of_tiles_estimates_a_frame(cpu, batch):
    rounds, calls = prepared(replace(TILED, batch=batch), cpu).warm_up()
    assert (rounds, calls) == (20, 1), "of tiles this small twenty frames take less than eight seconds"


@pytest.mark.parametrize("phase, learns", [("inference", False), ("training", True)])
def test_memory_runs_once_what_its_phase_says(cpu, phase, learns):
    subject = prepared(replace(MEMORY, phase=phase), cpu)
    assert subject.warm_up() == (1, 1)
    before = weights(subject)
    subject.run()
    assert torch.equal(before, weights(subject)) is not learns


def test_accuracy_counts_the_images_that_training_sees_and_a_round_for_each_seed(cpu):
    subject = prepared(ACCURACY, cpu)
    assert subject.images_per_run == 12 * (1442 // 64) * 64
    assert subject.warm_up() == (2, 1)
    assert (subject.settings["num_train_images"], subject.settings["num_test_images"]) == (1442, 355)
    assert subject.settings["training"]["name"] == "digits_cnn"


def test_the_settings_say_in_whose_memory_the_training_images_are(cpu):
    setup = setup_of(ACCURACY, bench(cpu))
    streamed = Streamed.of(setup.data.train, cpu, num_classes=10)
    sources = (setup.train, streamed)
    assert [replace(setup, train=source).settings(range(2))["train_images_on"] for source in sources] == [
        "device",
        "host",
    ]


def test_each_seed_begins_with_its_own_weights(cpu):
    setup = setup_of(ACCURACY, bench(cpu))
    models = [
        torch.cat([parameter.detach().flatten() for parameter in new_model(setup, seed).parameters()])
        for seed in range(2)
    ]
    torch.manual_seed(1)
    second = architecture("lenet").build(InputShape(px=28, channels=1, num_classes=10))
    expected = torch.cat([parameter.detach().flatten() for parameter in second.parameters()])
    assert not torch.equal(*models)
    assert torch.equal(models[1], expected)


def test_what_a_seed_needs_is_made_before_its_round_and_let_go_after_it():
    told = []
    rounds = SeedRounds(
        range(3, 5),
        begin=lambda seed: told.append(f"begin {seed}") or [seed],
        run=lambda state: told.append(f"run {state}"),
        end=lambda state: told.append(f"end {state}") or state[0] * 10,
    )
    for _ in range(2):
        rounds.before_round()
        rounds.run()
        rounds.after_round()
    assert told == ["begin 3", "run [3]", "end [3]", "begin 4", "run [4]", "end [4]"]
    assert rounds.results == [30, 40]
    with pytest.raises(AssertionError, match="before_round comes first"):
        rounds.run()


def test_every_metric_is_read_of_some_question_and_all_that_is_provided_is_read():
    provided = {name for question in questions().values() for name in question.provides}
    assert provided == {metric.reads for metric in metrics().values()}


def test_questions_are_found_in_the_order_of_reports():
    trained = ["accuracy", "data_efficiency", "adaptation", "robustness", "sequences", "defects"]
    timed = ["training", "latency", "sequence_latency", "tiled", "full_frame", "memory"]
    assert list(questions()) == [*trained, *timed]
    assert all(question.case.question == name for name, question in questions().items())
