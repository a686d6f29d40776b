from dataclasses import replace

import pytest
from record_builders import ENVIRONMENT, adaptation, latency, measurement, run_of, sequences
from report_builders import summary

from vitcnn import AccuracyCase, AdaptationCase
from vitcnn.record import CaseResult, Record, Run, Series
from vitcnn.report.claims import published
from vitcnn.tasks import tasks

NOT_HERE = "weights of vit_base are not here: run `vitcnn fetch --weights vit_base` where there is a network"
FAMILY = {"vit_tiny": "vit", "resnet18": "cnn", "lenet": "cnn", "speedrun_cnn": "cnn", "speedrun_vit": "hybrid"}
STUDY_C = {"architecture": "vit_tiny", "task": "cifar10", "recipe": "study_c_vit"}
STUDY_A = {"architecture": "lenet", "task": "mnist_subset", "recipe": "study_a_cnn"}


def trained(
    *,
    architecture,
    task,
    recipe,
    mode="eager",
    accuracy=(0.87, 0.88),
    best=(0.89, 0.89),
    seconds=(60.0, 62.0),
    num_tested=100,
):
    case = AccuracyCase(architecture=architecture, task=task, recipe=recipe, precision="bf16", mode=mode)
    classes = tasks()[task].classes
    by_class = tuple(tuple((10 * place + seed) / 100 for place in range(len(classes))) for seed in range(2))
    return Record(
        case=str(case),
        architecture=architecture,
        family=FAMILY[architecture],
        settings={
            "question": "accuracy",
            "task": task,
            "recipe": recipe,
            "training": {"epochs": 100},
            "classes": list(classes),
            "precision": "bf16",
            "mode": mode,
            "num_seeds": len(accuracy),
        },
        status="ok",
        measurements=(
            measurement("test_accuracy", *accuracy, unit="1", better="higher"),
            measurement("best_epoch_accuracy", *best, unit="1", better="higher"),
            measurement("training_time_s", *seconds),
        ),
        series=(
            Series(name="class_accuracy", unit="1", axes=("seed", "class"), values=by_class),
            Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=tuple(range(num_tested))),
            Series(name="test_predictions", unit="class", axes=("seed", "image"), values=((1, 0), (1, 1))),
            Series(name="test_labels", unit="class", axes=("image",), values=(1, 1)),
        ),
    )


def ended(outcome, reason, **setting):
    return CaseResult(id=str(AccuracyCase(**setting)), outcome=outcome, reason=reason)


def rows(text):
    """Return the cells of each row below a line of dashes, by its first cell."""
    found, inside = {}, False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        if set(line) <= {"-", " "} and line:
            inside = True
        elif inside and not line.startswith("  ") and line:
            found[cells[0]] = cells[1:]
        else:
            inside = False
    return found


def joined(text):
    return " ".join(text.split())


def test_published_and_ours_stand_side_by_side_with_hardware_and_device():
    text = published(run_of(trained(**STUDY_C)), width=100)
    assert text.startswith("Published figures beside ours on cpu: mean ± standard deviation over seeds or rounds.")
    assert "\nStudy C: vit_tiny on cifar10 by study_c_vit\n" in text
    header = joined(text.partition("study_c_vit\n")[2].partition("--")[0])
    assert header == "published ours one T4 bf16/eager 2 seeds"
    assert rows(text) == {  # standard deviations of two: their difference by the root of two
        "accuracy, best epoch": ["86.99 %", "89.00 ± 0.00 %"],
        "accuracy, last epoch": ["-", "87.50 ± 0.71 %"],
        "training time": ["2,640 s", "61.0 ± 1.4 s"],
    }
    assert "Source: ViT vs ResNet - CIFAR-10 Comparison, project notes." in joined(text)
    assert "3.54 M weights, not 2.36 M" in joined(text)


def test_a_rough_figure_is_called_so_and_what_was_not_measured_too():
    setting = {"architecture": "resnet18", "task": "cifar10", "recipe": "study_c_cnn"}
    text = published(run_of(trained(**setting)), width=100)
    assert rows(text)["training time"][0] == "about 900 s"
    assert "The source calls this column typical: it did not measure it." in joined(text)


def test_unstated_hardware_is_said():
    text = published(run_of(trained(**STUDY_A, seconds=(0.412,), accuracy=(0.979,), best=(0.98,))), width=100)
    assert "hardware not stated" in text
    assert rows(text) == {"accuracy, last epoch": ["91.50 %", "97.90 %"], "training time": ["3.76 s", "0.412 s"]}


def test_accuracies_by_class_are_published_and_ours_in_per_cent():
    text = joined(published(run_of(trained(**STUDY_C)), width=100))
    assert "By class, %, published/ours in bf16/eager: airplane 89.7/0.5, automobile 94.9/10.5, bird 83.3/20.5" in text
    assert "truck 90.1/90.5." in text


@pytest.mark.parametrize("num_tested, is_said", [(50, True), (100, False)])
def test_how_many_epochs_the_best_was_chosen_of_is_said(num_tested, is_said):
    text = joined(published(run_of(trained(**STUDY_C, num_tested=num_tested)), width=100))
    assert ("Ours is the best of 50 of 100 epochs." in text) is is_said
    assert "Ours is the best" not in published(run_of(trained(**STUDY_A, num_tested=5)), width=100)


def test_modes_stand_beside_each_other():
    run = run_of(trained(**STUDY_C), trained(**STUDY_C, mode="compiled", seconds=(30.0, 30.0)))
    text = published(run, width=100)
    assert rows(text)["training time"] == ["2,640 s", "61.0 ± 1.4 s", "30.0 ± 0 s"]
    assert text.count("Study C: ") == 1


def test_where_nobody_published_anything_that_is_said_beside_ours():
    setting = {"architecture": "speedrun_vit", "task": "cifar10", "recipe": "cifar_speedrun_vit"}
    text = published(run_of(trained(**setting)), width=100)
    assert rows(text)["training time"] == ["-", "61.0 ± 1.4 s"]
    assert "Nobody publishes a time-to-accuracy record of a ViT." in joined(text)
    assert "Source:" not in text


@pytest.mark.parametrize("task", ["digits", "shapes"])
def test_a_case_on_other_data_never_stands_beside_a_claim(task):
    assert (
        published(run_of(trained(**{**STUDY_C, "task": task}), trained(**{**STUDY_A, "task": task})), width=100) == ""
    )


def in_sequences(architecture, task, recipe, *losses):
    name, unit = ("test_squared_error", "digit²") if "sum" in task else ("test_cross_entropy", "nat")
    loss = measurement(name, *losses, unit=unit)
    right = [[1, 1, 1, 0]] * len(losses)
    return sequences(architecture, right=right, task=task, recipe=recipe, more=(loss,))


def test_study_e_stands_beside_the_published_and_the_corrected_cases_on_other_digits():
    run = run_of(
        in_sequences("sum_transformer_published", "digit_sum_published_digits", "study_e", 1.0, 3.0),
        in_sequences("sum_transformer", "digit_sum_digits", "sequences_vit", 0.5),
    )
    text = published(run, width=100)
    assert "\nStudy E: sum_transformer_published on digit_sum_published_mnist by study_e\n" in text
    header = joined(text.partition("by study_e\n")[2].partition("--")[0])
    assert header == (
        "published ours ours hardware not stated on digits on digits as published corrected fp32/eager fp32/eager "
        "2 seeds 1 seed"
    )
    assert rows(text) == {
        "loss, last epoch": ["1.18 digit²", "2.00 ± 1.4 digit²", "0.500 digit²"],
        "accuracy, last epoch": ["66 %", "75.00 ± 0.00 %", "75.00 %"],
        "training time": ["-", "4.00 ± 0 s", "4.00 s"],
    }
    assert "Source: github.com/kobybibas/vit_for_mnist, commit a1d445c, 2025-09-09." in joined(text)
    assert (
        joined(text).count(
            "The images of digits and of glyphs are not those of MNIST. Corrected models train by another recipe,"
        )
        == 1
    )


def test_remarks_that_tables_share_stand_below_the_last_of_them():
    run = run_of(
        in_sequences("sum_fc", "digit_sum_digits", "sequences_cnn", 1.0),
        in_sequences("sum_transformer", "digit_sum_digits", "sequences_vit", 1.0),
        in_sequences("anchor_fc_published", "digit_anchor_published_mnist", "study_e", 1.0),
    )
    _, first, second, third = published(run, width=100).split("\n\n")
    assert "Source" not in first
    assert "Corrected models " in second
    assert "Source" in third
    assert "Corrected models " not in third
    assert rows(third)["loss, last epoch"] == ["0.64 nat", "1.00 nat"]


def test_why_a_case_of_sequences_was_not_measured_names_that_case():
    case = "sequences/anchor_fc/digit_anchor_mnist/many_sequences_cnn/fp32/eager"
    run = run_of(CaseResult(id=case, outcome="skipped", reason="no network"))
    said = published(run, width=100).split("\n\n")[1]
    assert said == "Not measured: Study E, anchor_fc on digit_anchor_mnist: no network."


def test_tables_of_study_e_fit_a_hundred_columns():
    long = [100.0, 90000.0]
    cases = [in_sequences("sum_fc_published", f"digit_sum_published_{name}", "study_e", *long) for name in SOURCES]
    cases += [in_sequences("sum_fc", f"digit_sum_{name}", "many_sequences_cnn", *long) for name in SOURCES[:2]]
    text = published(run_of(*cases), width=100)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("Study E: ") == 3, "five cases, two beside each other"


SOURCES = ("mnist", "glyphs", "digits")


def cell_of_study_b(architecture, how, *, task="mnist", recipe="study_b", mode="eager", seconds=60.0, **scores):
    """Return the record of one of the cells: two seeds, of which each has 3 of 4 images right."""
    case = AdaptationCase(
        architecture=architecture, task=task, recipe=recipe, adaptation=how, precision="bf16", mode=mode
    )
    given = adaptation(architecture, how, right=[[1, 1, 1, 0]] * 2, seconds=seconds, precision="bf16", mode=mode)
    more = [measurement(name, *values, unit="1", better="higher") for name, values in scores.items()]
    return replace(given, case=str(case), measurements=(*given.measurements, *more))


SCORES = {"f1_weighted": (0.98, 0.96), "roc_auc_micro": (0.9999, 0.9997), "roc_auc_macro": (0.5, 0.5)}


def test_a_cell_of_study_b_has_a_row_for_each_published_metric_and_the_time_that_is_not():
    text = published(run_of(cell_of_study_b("vit_base", "lora16_qv", **SCORES)), width=100)
    assert "\nStudy B: vit_base on mnist by study_b, lora16_qv\n" in text
    header = joined(text.partition("by study_b, lora16_qv\n")[2].partition("--")[0])
    assert header == "published ours hardware not stated bf16/eager 2 seeds"
    assert rows(text) == {
        "F1, weighted": ["99.12 %", "97.00 ± 1.41 %"],
        "ROC AUC, micro": ["100.00 %", "99.98 ± 0.01 %"],
        "ROC AUC, macro": ["100.00 %", "50.00 ± 0.00 %"],
        "accuracy, last epoch": ["99.12 %", "75.00 ± 0.00 %"],
        "training time": ["-", "60.0 ± 0 s"],
    }
    assert "Source: Preprints.org 183029, 2025-11-03. It states 0.58 % of the parameters as trained." in joined(text)
    assert "with the head 597,514: 0.69 % of 86.40 M." in joined(text)


@pytest.mark.parametrize(
    "architecture, share, head",
    [("resnet50", "8.53 %", "20,490, 0.09 %"), ("efficientnet_b0", "10.96 %", "12,810, 0.32 %")],
)
def test_that_study_b_does_not_describe_its_larger_heads_stands_below_their_table(architecture, share, head):
    text = joined(published(run_of(cell_of_study_b(architecture, "head_views5", task="cifar10", **SCORES)), width=100))
    assert f"Study B: {architecture} on cifar10 by study_b, head_views5 " in text
    assert f"It states {share} of the parameters as trained. A linear head of 10 classes has {head}: its head" in text
    assert "which it does not describe. Ours is linear." in text


def test_the_modes_of_a_cell_stand_beside_each_other():
    run = run_of(*(cell_of_study_b("vit_base", "lora16_qv", mode=mode, **SCORES) for mode in ("eager", "compiled")))
    text = published(run, width=100)
    assert text.count("Study B: ") == 1
    assert [len(cells) for cells in rows(text).values()] == [3] * 5


def test_another_adaptation_stands_beside_no_claim():
    assert published(run_of(cell_of_study_b("vit_base", "head", **SCORES)), width=100) == ""


def test_what_study_c_claims_of_fine_tuning_stands_beside_ours():
    cell = cell_of_study_b("vit_base", "full", task="cifar10", recipe="study_c_finetune")
    text = published(run_of(cell), width=100)
    assert "\nStudy C: vit_base on cifar10 by study_c_finetune\n" in text
    assert rows(text) == {
        "accuracy, last epoch": ["about 98.00 %", "75.00 ± 0.00 %"],
        "training time": ["-", "60.0 ± 0 s"],
    }
    assert "and did not measure it" in joined(text)


def test_nothing_is_printed_where_no_claim_was_collected():
    run = run_of(latency("lenet", 0.1))
    assert published(run, width=100) == ""
    assert "ublished" not in summary(run, width=100)


def test_a_reason_why_cases_were_not_measured_is_said_once():
    vit = {"architecture": "vit_base", "task": "mnist_subset", "recipe": "study_a_vit"}
    others = (
        ended("skipped", NOT_HERE, **vit),
        ended("skipped", NOT_HERE, **vit, mode="compiled"),
        ended("skipped", "no network.", **STUDY_A),
        ended("skipped", "no network.", **STUDY_C),
        ended("out_of_memory", "the device had 2 GB", architecture="resnet18", task="cifar10", recipe="study_c_cnn"),
    )
    said = published(Run(environment=ENVIRONMENT, cases=others), width=1000).split("\n\n")[1]
    assert said.splitlines() == [
        f"Not measured: Study A, vit_base on mnist_subset: {NOT_HERE}.",
        "Not measured: Study A, lenet on mnist_subset; Study C, vit_tiny on cifar10: no network.",
        "Not measured: Study C, resnet18 on cifar10: out of memory: the device had 2 GB.",
    ]


@pytest.mark.parametrize("outcome", ["deselected", "not_run", "disabled", "interrupted", "not_measured"])
def test_what_was_not_tried_is_not_told(outcome):
    run = Run(environment=ENVIRONMENT, cases=(ended(outcome, "why", **STUDY_C),))
    assert published(run, width=100) == ""


def test_fits_a_hundred_columns():
    wide = {"accuracy": (0.0, 1.0), "best": (0.0, 1.0), "seconds": (1000.0, 20000.0)}
    cases = [trained(**STUDY_C, mode=mode, **wide) for mode in ("eager", "compiled")]
    cases += [trained(**STUDY_A, mode=mode, **wide) for mode in ("eager", "compiled")]
    more = [
        Record(**{**vars(case), "case": case.case.replace("bf16", precision)})
        for precision in ("fp32", "bf16")
        for case in cases
    ]
    text = published(run_of(*more, ended("skipped", "why " * 60, **STUDY_C)), width=100)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("Study A: ") == 2, "four cases are two tables"


def test_summary_shows_it_before_the_last_line():
    text = summary(run_of(trained(**STUDY_C)), width=100)
    assert 0 < text.index("Published figures beside ours") < text.index("Cases: 1 passed.")
