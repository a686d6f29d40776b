"""What a case records is what its claim is shown beside: trained in earnest, on noise under CIFAR-10's name."""

from dataclasses import replace

import numpy as np
import pytest
from record_builders import ENVIRONMENT

from vitcnn import AccuracyCase, AdaptationCase
from vitcnn.bench import Bench
from vitcnn.measuring.runner import measure
from vitcnn.recipes import recipe, recipes
from vitcnn.record import CaseResult, Record, Run
from vitcnn.report.claims import published
from vitcnn.spec import Data, Split
from vitcnn.tasks import Tasks

CASE = AccuracyCase(architecture="lenet", task="cifar10", recipe="study_a_cnn", num_seeds=2)


def seconds(run, *, rounds, calls, before_round, after_round):
    """Run the rounds as the clock does; each is said to take 2 s."""
    for _round in range(rounds):
        before_round()
        run()
        after_round()
    return (2.0,) * rounds


ADAPTED = AdaptationCase(architecture="lenet", task="cifar10", recipe="study_b", adaptation="head_views5", num_seeds=2)


@pytest.fixture(scope="module")
def record_of(cpu, tmp_path_factory):
    """Return what measures a case by short recipes from random weights."""
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    noise = Split(images=images, labels=np.arange(40) % 10)
    tasks = Tasks(tmp_path_factory.mktemp("data"))
    bench = Bench(device=cpu, tasks=tasks, progress=lambda *_told: None)

    def record(case):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tasks, "data", lambda _name, _progress: Data(train=noise, test=noise))
            short = replace(recipe(case.recipe), epochs=2, batch=20, weights="random")
            patch.setitem(recipes(), case.recipe, short)
            record = measure(case, bench=bench, stopwatch=seconds, floor_bytes=0)
        return Record.from_json(record.to_json())

    return record


@pytest.fixture(scope="module")
def recorded(record_of):
    return record_of(CASE)


def shown(record, **setting):
    """Return what stands beside a claim, were the record that of a case of its setting."""
    case = replace(ADAPTED if record.settings["question"] == "adaptation" else CASE, **setting)
    result = CaseResult(id=str(case), outcome="passed", record=replace(record, case=str(case)))
    return " ".join(published(Run(environment=ENVIRONMENT, cases=(result,)), width=100).split())


def test_a_records_own_numbers_stand_beside_the_published_ones(recorded):
    text = shown(recorded, architecture="speedrun_cnn", recipe="cifar_speedrun_cnn")
    first, second = recorded.samples("test_accuracy")
    mean, deviation = 50 * (first + second), 100 * abs(first - second) / 2**0.5
    assert "one A100 fp32/eager 2 seeds" in text
    assert f"accuracy, last epoch 94.01 % {mean:.2f} ± {deviation:.2f} %" in text
    assert "training time 2.59 s 2.00 ± 0 s" in text


def test_a_record_holds_what_study_c_is_compared_by(recorded):
    text = shown(recorded, architecture="vit_tiny", recipe="study_c_vit")
    by_class = next(series.values for series in recorded.series if series.name == "class_accuracy")
    cats = 50 * (by_class[0][3] + by_class[1][3])
    assert f"cat 68.4/{cats:.1f}," in text
    assert f"accuracy, best epoch 86.99 % {50 * sum(recorded.samples('best_epoch_accuracy')):.2f} ±" in text
    assert "Ours is the best of" not in text, "both epochs were tested"


def test_a_record_of_an_adaptation_holds_what_study_b_is_compared_by(record_of):
    record = record_of(ADAPTED)
    text = shown(record, architecture="resnet50")
    assert "Study B: resnet50 on cifar10 by study_b, head_views5 " in text
    of_metric = {
        "F1, weighted 83.36 %": "f1_weighted",
        "ROC AUC, micro 98.59 %": "roc_auc_micro",
        "ROC AUC, macro 98.58 %": "roc_auc_macro",
        "accuracy, last epoch 83.41 %": "test_accuracy",
    }
    for row, metric in of_metric.items():
        first, second = record.samples(metric)
        mean, deviation = 50 * (first + second), 100 * abs(first - second) / 2**0.5
        assert f"{row} {mean:.2f} ± {deviation:.2f} %" in text
    assert "training time - 2.00 ± 0 s" in text
    assert shown(record, architecture="resnet50", adaptation="head") == ""
