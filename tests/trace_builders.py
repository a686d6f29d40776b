"""Traces made by hand, as torch's profiler writes them: times are in microseconds."""

import json
from pathlib import Path

from record_builders import measurement, record

from vitcnn.record import Series

MAIN, ENGINE = (1, 11), (1, 12)
STREAM_7, STREAM_20 = (0, 7), (0, 20)


def event(name, start, end, *, kind="cpu_op", on=MAIN, **args):
    told = {name.replace("_", " "): value for name, value in args.items()}
    return {
        "ph": "X",
        "cat": kind,
        "name": name,
        "pid": on[0],
        "tid": on[1],
        "ts": float(start),
        "dur": float(end - start),
        "args": told,
    }


def named(name, start, end, **more):
    return event(name, start, end, kind="user_annotation", **more)


def step(number, start, end):
    return named(f"ProfilerStep#{number}", start, end)


def kernel(name, start, end, *, external=-1, correlation=-1, stream=STREAM_7, kind="kernel"):
    found = event(name, start, end, kind=kind, on=stream)
    found["args"] = {"External id": external, "correlation": correlation}
    return found


def operator(name, start, end, *, external=-1, sequence=-1, on=MAIN):
    found = event(name, start, end, on=on)
    found["args"] = {"External id": external, "Sequence number": sequence}
    return found


def written(folder: Path, *events, name="cpu.pt.trace.json", about=None) -> Path:
    """Write a trace of these events, out of order as the profiler's are, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    document = {"schemaVersion": 1, "traceEvents": [{"ph": "M", "name": "process_name"}, *reversed(events)]}
    path.write_text(json.dumps(document if about is None else {**document, "vitcnn": about}))
    return path


TRAINING = (
    step(0, 0, 100),
    named("augment", 0, 10),
    operator("aten::flip", 2, 8),
    named("forward", 10, 40),
    named("part blocks.0", 12, 30),
    operator("aten::linear", 12, 28, sequence=5),
    operator("aten::addmm", 14, 26, sequence=5),
    operator("aten::copy_", 15, 17),
    operator("aten::native_layer_norm", 32, 38, sequence=6),
    named("backward", 44, 80),
    operator("autograd::engine::evaluate_function: NativeLayerNormBackward0", 44, 54, sequence=6),
    operator("aten::native_layer_norm_backward", 46, 54),
    operator("autograd::engine::evaluate_function: AddmmBackward0", 60, 80, sequence=5),
    operator("aten::mm", 61, 79),
    named("Optimizer.step#AdamW.step", 82, 98),
    operator("aten::_fused_adamw_", 84, 96),
)
"""One training step of 100 µs on a CPU, worked out by hand in the tests."""


TRAINED = record(
    "accuracy/lenet/digits/toy/fp32/eager",
    measurement("test_accuracy", 0.5, 0.75, unit="1", better="higher"),
    question="accuracy",
    task="digits",
    recipe="toy",
    optimizer={"name": "adamw", "weight_decay": 0.05},
    precision="fp32",
    mode="eager",
    classes=["even", "odd"],
    num_seeds=2,
    target_accuracy=0.9,
    series=(
        Series(name="training_loss", unit="nat", axes=("seed", "epoch"), values=((2.0, 1.0), (2.5, 1.5))),
        Series(name="learning_rate", unit="1", axes=("epoch",), values=(0.5, 0.25)),
        Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=(2,)),
        Series(name="test_accuracy", unit="1", axes=("seed", "tested_epoch"), values=((0.5,), (0.75,))),
        Series(name="training_time_s", unit="s", axes=("seed", "tested_epoch"), values=((2.0,), (3.0,))),
        Series(name="test_predictions", unit="class", axes=("seed", "image"), values=((0, 1, 0, 1), (0, 0, 0, 1))),
        Series(name="test_labels", unit="class", axes=("image",), values=(0, 0, 1, 1)),
        Series(
            name="confusion_matrix",
            unit="image",
            axes=("seed", "true_class", "predicted_class"),
            values=(((2, 2), (2, 2)), ((3, 1), (1, 3))),
        ),
    ),
)
"""What two seeds of an accuracy case left: two epochs, of which the last one was tested."""
