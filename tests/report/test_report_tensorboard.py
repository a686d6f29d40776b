"""What TensorBoard is given of records made by hand."""

from pathlib import Path

from record_builders import latency, run_of
from report_builders import QUESTIONS
from trace_builders import TRAINED

from vitcnn.report.tensorboard import shown, study
from vitcnn.tracing.names import case_folder


def test_a_trained_case_has_its_curves_settings_medians_and_confusion_matrix():
    found = shown(TRAINED)
    assert found.scalars["training_loss/seed_1"] == {1: 2.5, 2: 1.5}
    assert found.scalars["learning_rate"] == {1: 0.5, 2: 0.25}
    assert found.scalars["test_accuracy/seed_1"] == {2: 0.75}
    assert found.scalars["rounds/test_accuracy"] == {0: 0.5, 1: 0.75}
    assert found.metrics == {"measured/test_accuracy": 0.625}
    expected = {"architecture": "lenet", "family": "cnn", "recipe": "toy", "optimizer.weight_decay": 0.05}
    assert expected.items() <= found.hyperparameters.items()
    assert found.images["confusion_matrix"].startswith(b"\x89PNG")


def test_a_case_that_does_not_train_has_a_point_for_each_round():
    found = shown(latency("lenet", 0.5, 0.25, 0.75))
    assert found.scalars["rounds/latency_s"] == {0: 0.5, 1: 0.25, 2: 0.75}
    assert found.metrics["measured/latency_s"] == 0.5
    assert not found.images


def test_a_study_is_a_folder_for_each_case_and_a_table_of_all():
    record = latency("lenet", 0.5)
    found = study(run_of(record), QUESTIONS)
    assert found.keys() == {Path(), case_folder(record.case)}
    assert "lenet" in found[Path()].texts["comparison"]


def test_nothing_measured_is_nothing_to_show():
    assert study(run_of(), QUESTIONS) == {}
