"""Makes measurements, records of each question, results of cases, and runs by hand, for tests of what reads them."""

from dataclasses import replace

from vitcnn.record import CaseResult, Environment, Measurement, Record, Run, Selection, Series
from vitcnn.spec import shared_name

ENVIRONMENT = Environment(
    device_key="cpu-test-1t",
    device="cpu",
    cpu="Test CPU",
    num_threads=1,
    python="3.11.0",
    vitcnn="0.1.0",
    torch="2.15.0",
    torchvision="0.29.0",
    timm="1.0.0",
    peft="",
    numerics={"tf32": False, "cudnn_benchmark": True},
)

FAMILIES = {
    "lenet": "cnn",
    "resnet18": "cnn",
    "vit_micro": "vit",
    "vit_tiny": "vit",
    "coatnet": "hybrid",
    "sum_fc": "cnn",
    "sum_transformer": "hybrid",
    "anchor_fc": "cnn",
    "anchor_transformer": "hybrid",
}


def measurement(metric, *samples, unit="s", better="lower", tolerance=0.02):
    return Measurement(metric=metric, unit=unit, better=better, tolerance=tolerance, samples=samples)


def count(value, metric="parameters", unit="1"):
    return measurement(metric, value, unit=unit, tolerance=0.0)


def amount(value, tolerance=0.01):
    return measurement("peak_allocated_bytes", value, unit="B", tolerance=tolerance)


def scores(*shares, tolerance=0.01):
    return measurement("test_accuracy", *shares, unit="1", better="higher", tolerance=tolerance)


def record(case, *measurements, architecture=None, series=(), **settings):
    """Return the record of `case`; its cell is the case without its architecture and its recipe's family.

    The architecture is the one that `case` names, or `lenet`.
    """
    if architecture is None:
        architecture = next((part for part in case.split("/") if part in FAMILIES), "lenet")
    recipe = settings.get("recipe", "")
    shared = case.replace(f"/{recipe}/", f"/{shared_name(recipe)}/", 1) if recipe else case
    cell = shared.replace(f"/{architecture}/", "/*/", 1)
    return Record(
        case=case,
        architecture=architecture,
        family=FAMILIES.get(architecture, "other"),
        settings={"cell": cell, "timer": "perf_counter", **settings},
        status="ok",
        measurements=measurements,
        series=series,
    )


def timed(case, seconds, **settings):
    """Return the record of a case of any name that is about its seconds alone."""
    return record(case, measurement("latency_s", seconds), **settings)


def latency(architecture, *seconds, px=28, batch=1):
    return record(
        f"latency/{architecture}/{px}/b{batch}/fp32/eager",
        measurement("latency_s", *seconds),
        question="latency",
        px=px,
        batch=batch,
    )


def training(architecture, seconds, *, px=28, batch=16):
    return record(
        f"training/{architecture}/{px}/b{batch}/fp32/eager",
        measurement("step_time_s", seconds),
        measurement("images_per_s", batch / seconds, unit="image/s", better="higher"),
        question="training",
        px=px,
        batch=batch,
    )


def memory(architecture, *, parameters, macs=1_000_000, saved=2_000_000, phase="training"):
    return record(
        f"memory/{architecture}/28/b16/{phase}/fp32/eager",
        measurement("parameters", parameters, unit="1", tolerance=0.0),
        measurement("macs", macs, unit="MAC", tolerance=0.0),
        measurement("saved_for_backward_bytes", saved, unit="B", tolerance=0.0),
        question="memory",
        px=28,
        batch=16,
        phase=phase,
        num_parameters=parameters,
    )


def tiled(architecture, *seconds, width=3840, height=2160, way="tiles", peak=(), utilisation=()):
    axis = "" if way == "tiles" else f"/{way}"
    return record(
        f"tiled/{architecture}/{width}x{height}/t512/o10/b5{axis}/fp32/eager",
        measurement("frame_time_s", *seconds),
        *([measurement("peak_allocated_bytes", peak, unit="B")] if peak else []),
        *([measurement("model_flop_utilisation", utilisation, unit="1")] if utilisation else []),
        question="tiled",
        width=width,
        height=height,
        way=way,
        tile_px=512,
        batch=5,
        precision="fp32",
        mode="eager",
    )


def accuracy(architecture, *, right, seconds=4.0, task="digits", recipe="digits_cnn"):
    """`right` is rows of 0 and 1, (seeds, images): whether the seed's model got the image right. All labels are 1."""
    rows = tuple(tuple(int(entry) for entry in row) for row in right)
    shares = [sum(row) / len(row) for row in rows]
    return record(
        f"accuracy/{architecture}/{task}/{recipe}/fp32/eager",
        measurement("test_accuracy", *shares, unit="1", better="higher", tolerance=0.01),
        measurement("training_time_s", *[seconds] * len(rows)),
        question="accuracy",
        task=task,
        recipe=recipe,
        series=(
            Series(name="test_predictions", unit="class", axes=("seed", "image"), values=rows),
            Series(name="test_labels", unit="class", axes=("image",), values=(1,) * len(rows[0])),
        ),
    )


def data_efficiency(architecture, num_train, *, right, recipe="digits_cnn", task="digits"):
    """Return the record of an accuracy case on few images; `right` as in `accuracy`."""
    whole = accuracy(architecture, right=right, task=task, recipe=recipe)
    few = {"question": "data_efficiency", "num_train": num_train, "num_train_images": num_train}
    case = f"data_efficiency/{architecture}/{task}/{recipe}/n{num_train}/fp32/eager"
    cell = whole.cell.replace("accuracy/", "data_efficiency/").replace("/fp32", f"/n{num_train}/fp32")
    return replace(whole, case=case, settings={**whole.settings, **few, "cell": cell})


def adaptation(
    architecture,
    how,
    *,
    right,
    seconds=1.0,
    trained=10,
    parameters=100,
    memory=None,
    features=None,
    recipe="transfer_lora_vit",
    **settings,
):
    """Return the record of an adaptation; `right` as in `accuracy`, `how` its name."""
    whole = accuracy(architecture, right=right, seconds=seconds, recipe=recipe)
    bytes_of = {"training_memory_bytes": memory, "features_bytes": features}
    known = [measurement(metric, value, unit="B") for metric, value in bytes_of.items() if value]
    said = {
        "question": "adaptation",
        "adaptation": how,
        "num_train": None,
        "num_trainable": trained,
        "num_parameters": parameters,
        "num_seeds": len(right),
        "precision": "fp32",
        "mode": "eager",
        "training": {"weights": "glyphs62"},
        **settings,
    }
    case = f"adaptation/{architecture}/digits/{recipe}/{how}/{said['training']['weights']}/fp32/eager"
    measured = (*whole.measurements, *known)
    return replace(whole, case=case, measurements=measured, settings={**whole.settings, **said, "cell": case})


def robustness(architecture, *, right, times_right, accuracies, task="digits", recipe="digits_cnn"):
    """Return the record of a robustness case.

    `right` as in `accuracy`; `times_right`, rows of counts, (seeds, images), is how often of two corruptions at five
    severities each image was right. `accuracies`, (seeds, corruptions, severities from 0), of `shift` and `blur`.
    """
    clean = accuracy(architecture, right=right, task=task, recipe=recipe)
    relative = [sum(sum(row[1:]) / row[0] for row in seed) / (5 * len(seed)) for seed in accuracies]
    described = [{"name": name, "unit": "px", "severities": [1, 2, 3, 4, 5]} for name in ("shift", "blur")]
    under_shift = {"axes": ("seed", "corruption", "severity"), "values": accuracies}
    return replace(
        clean,
        case=f"robustness/{architecture}/{task}/{recipe}/fp32/eager",
        settings={
            **clean.settings,
            "question": "robustness",
            "corruptions": described,
            "cell": clean.cell.replace("accuracy/", "robustness/"),
        },
        measurements=(measurement("mean_relative_accuracy", *relative, unit="1", better="higher", tolerance=0.01),),
        series=(
            *clean.series,
            Series(name="accuracy_under_shift", unit="1", **under_shift),
            Series(name="times_right_under_shift", unit="1", axes=("seed", "image"), values=times_right),
        ),
    )


def sequences(
    architecture,
    *,
    right,
    image_scores=(),
    task="digit_sum_digits",
    recipe="sequences_vit",
    by_length=((0.9, 0.5),),
    lengths=(1, 10),
    by_longer=((0.25, 0.125),),
    longer_lengths=(11, 20),
    seconds=4.0,
    more=(),
    series=(),
):
    """Return the record of a case of sequences of images.

    `right` as in `accuracy`, of sequences; `by_length` and `by_longer` are (seeds, lengths), the latter empty where the
    model takes no longer sequences. Its accuracy on longer ones is the mean of theirs.
    """
    clean = accuracy(architecture, right=right, task=task, recipe=recipe, seconds=seconds)
    curves = (
        Series(name="accuracy_by_length", unit="1", axes=("seed", "length"), values=by_length),
        Series(name="length", unit="image", axes=("length",), values=lengths),
    )
    beyond = (
        Series(name="accuracy_by_longer_length", unit="1", axes=("seed", "longer_length"), values=by_longer),
        Series(name="longer_length", unit="image", axes=("longer_length",), values=longer_lengths),
    )
    scored = Series(name="image_scores", unit="1", axes=("seed", "image"), values=image_scores)
    longer = [sum(row) / len(row) for row in by_longer]
    return replace(
        clean,
        case=f"sequences/{architecture}/{task}/{recipe}/fp32/eager",
        settings={
            **clean.settings,
            "question": "sequences",
            "precision": "fp32",
            "mode": "eager",
            "num_seeds": len(right),
            "target_accuracy": 0.6,
            "cell": clean.cell.replace("accuracy/", "sequences/"),
        },
        measurements=(
            *clean.measurements,
            *([measurement("longer_accuracy", *longer, unit="1", better="higher")] if longer else []),
            *more,
        ),
        series=(*clean.series, *curves, *(beyond if longer else ()), *([scored] if image_scores else []), *series),
    )


WHOLE, LATENCY = Selection(preset="smoke"), Selection(preset="smoke", keyword="latency")


def passed(case_id, *seconds):
    """Return a case that passed; its record is only about its seconds, whatever its id."""
    return CaseResult(id=case_id, outcome="passed", record=replace(latency("lenet", *(seconds or [1.0])), case=case_id))


def ended(case_id, outcome, reason=""):
    return CaseResult(id=case_id, outcome=outcome, reason=reason)


def run_of(*results, selection=WHOLE, **environment):
    """Return a run of results of cases, and of records, whose cases passed."""
    cases = (
        CaseResult(id=entry.case, outcome="passed", record=entry) if isinstance(entry, Record) else entry
        for entry in results
    )
    return Run(environment=replace(ENVIRONMENT, **environment), cases=tuple(cases), selection=selection)


def run_on(day, *results, **more):
    """Return the run of the `day` of January 2026; the rest is as in `run_of`."""
    return replace(run_of(*results, **more), started=f"2026-01-{day:02}T08:00:00+00:00")
