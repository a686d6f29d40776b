"""Times that must be marked, and times that must not."""

from dataclasses import replace

import pytest
from record_builders import accuracy, data_efficiency, latency, measurement, memory, record, run_of, tiled
from report_builders import table, tradeoffs

from vitcnn.report.claims import published
from vitcnn.report.noisy_times import LEGEND, is_noisy, noise

WIDE = 500
STEADY = [0.010] * 50
USUAL = [0.131, 0.128, 0.140, 0.133, 0.129, 0.150, 0.131, 0.160, 0.9, *[0.132] * 41]
"""One round of fifty was interrupted."""

NOISY = {
    "some rounds slow": [0.010] * 40 + [0.030] * 10,
    "most rounds slow, few fast: max/min 181": [0.00022, 0.00027] + [0.0397] * 47 + [0.0398],
    "few rounds, one slow": [0.02, 0.02, 0.02, 0.02, 0.06],
    "three seeds, the first slow": [0.85, 0.13, 0.12],
    "three seeds, two slow": [0.85, 0.84, 0.12],
}
QUIET = {
    "steady": STEADY,
    "as on a quiet machine": USUAL,
    "three seeds as measured": [1.26, 1.24, 1.13],
    "a third more": [0.13, 0.12, 0.17],
    "timed once": [3.0],
}


def with_times(*samples):
    """Return one record of each question with a time, with these samples of it."""
    trained = accuracy("lenet", right=[[1] * 40] * len(samples))
    few = data_efficiency("lenet", 100, right=[[1] * 40] * len(samples))
    rates = measurement("images_per_s", *(1 / value for value in samples), unit="image/s", better="higher")
    step = measurement("step_time_s", *samples)
    return {
        "latency": latency("lenet", *samples),
        "training": record("training/lenet/28/b16/fp32/eager", step, rates, question="training", px=28),
        "tiled": tiled("resnet18", *samples),
        "accuracy": replace(trained, measurements=(trained.measurements[0], measurement("training_time_s", *samples))),
        "data_efficiency": replace(few, measurements=(few.measurements[0], rates)),
        "own": replace(latency("lenet", *samples), settings={"question": "own", "images": 1}),
    }


@pytest.mark.parametrize("samples", NOISY.values(), ids=NOISY)
@pytest.mark.parametrize("question", with_times(1.0))
def test_times_with_a_far_tail_on_either_side_are_noisy_in_every_question(question, samples):
    assert is_noisy(with_times(*samples)[question])


@pytest.mark.parametrize("samples", QUIET.values(), ids=QUIET)
@pytest.mark.parametrize("question", with_times(1.0))
def test_times_of_a_quiet_machine_are_not(question, samples):
    assert not is_noisy(with_times(*samples)[question])


def test_what_holds_no_time_is_not_noisy():
    assert not is_noisy(memory("lenet", parameters=61_706))


SLOW_START = NOISY["three seeds, the first slow"]


@pytest.mark.parametrize(
    "question, shown",
    [
        ("latency", "10.0/30.0~"),
        ("training", "100~"),
        ("tiled", "0.0100~"),
        ("accuracy", "0.0100~"),
    ],
)
def test_the_cell_is_marked_and_a_legend_says_what_it_means(question, shown):
    noisy, steady = (with_times(*samples)[question] for samples in (NOISY["some rounds slow"], STEADY))
    text = table(run_of(noisy), width=WIDE)
    assert f" {shown}" in text
    assert LEGEND in text.splitlines()
    assert "~" not in table(run_of(steady), width=WIDE)


def test_the_line_names_the_worst_with_their_span_and_says_what_to_do():
    records = [
        latency("lenet", *NOISY["most rounds slow, few fast: max/min 181"]),
        latency("resnet18", *STEADY),
        with_times(*SLOW_START)["accuracy"],
        memory("lenet", parameters=1),
    ]
    assert noise(run_of(*records)) == (
        "Noisy: 2 of 3 timed cases, fastest to slowest: latency/lenet/28/b1/fp32/eager (0.220-39.8 ms); "
        "accuracy/lenet/digits/digits_cnn/fp32/eager (120-850 ms). "
        "Stop the other programs on this machine and measure these cases again before you trust their times or ratios."
    )
    assert noise(run_of(records[1])) == ""


def test_of_many_only_the_worst_are_named():
    noisy = [latency("lenet", *([0.01] * 10 + [0.1 * px] * 10), px=px) for px in (28, 32, 224, 512)]
    text = noise(run_of(*noisy))
    assert text.index("/512/") < text.index("/224/") < text.index("/32/")
    assert "/28/" not in text
    assert "; and 1 other." in text


@pytest.mark.parametrize("noisy", ["vit_tiny", "resnet18"])
def test_a_ratio_of_a_noisy_time_says_so(noisy):
    sizes = (memory("resnet18", parameters=11_000_000), memory("vit_tiny", parameters=5_000_000))
    times = {name: [*STEADY[:40], *[0.03] * 10] if name == noisy else STEADY for name in ("resnet18", "vit_tiny")}
    [line] = tradeoffs(run_of(*sizes, *(latency(name, *samples) for name, samples in times.items())))
    assert line == "vit_tiny against resnet18: answers 1 image at 28 px as fast (noisy)."


@pytest.mark.parametrize("samples, is_marked", [((900.0, 880.0, 2000.0), True), ((900.0, 880.0, 910.0), False)])
def test_a_noisy_training_time_beside_a_published_one_is_marked(samples, is_marked):
    trained = accuracy("resnet18", right=[[1] * 40] * 3, task="cifar10", recipe="study_c_cnn")
    scores, _ = trained.measurements
    settings = {
        **trained.settings,
        "precision": "fp32",
        "mode": "eager",
        "num_seeds": 3,
        "classes": [],
        "recipe": "study_c_cnn",
        "training": {"epochs": 0},
    }
    case = replace(trained, settings=settings, measurements=(scores, measurement("training_time_s", *samples)))
    text = published(run_of(case), width=WIDE)
    assert ("~s" in text) == is_marked
    assert (LEGEND in text) == is_marked
