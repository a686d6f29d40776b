"""The table of where the memory goes: one row a case, and on CUDA the measured peak beside the predicted one."""

from record_builders import latency, measurement, record, run_of

from vitcnn.report.predicted_memory import PARTS, predicted_memory


def memory(name, *sizes, measured=None, phase="training"):
    peak = [measurement("predicted_peak_bytes", sum(sizes), unit="B")]
    parts = [measurement(f"predicted_{part}_bytes", size, unit="B") for part, size in zip(PARTS, sizes, strict=True)]
    real = [measurement("peak_allocated_bytes", measured, unit="B")] if measured else []
    return record(f"memory/{name}/28/b16/{phase}/fp32/eager", *peak, *parts, *real, question="memory", phase=phase)


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_the_peak_and_its_parts_stand_in_a_row():
    text = predicted_memory(run_of(memory("lenet", 1e6, 2e6, 3e6, 4e6, 5e5, 2.5e6)), width=100)
    assert rows(text)[-1] == ["lenet", "13.0", "1.00", "2.00", "3.00", "4.00", "0.500", "2.50"]
    assert "measured" not in text


def test_the_measured_peak_and_what_it_is_more_stand_beside():
    text = predicted_memory(
        run_of(memory("lenet", 1e6, 1e6, 2e6, 4e6, 1e6, 1e6, measured=10.5e6), memory("vit_tiny", *[1e6] * 6)),
        width=100,
    )
    assert "Beside it the measured peak" in " ".join(text.split())
    assert rows(text)[-2][-2:] == ["10.5", "+5.0"]
    assert rows(text)[-1][-2:] == ["-", "-"]


def test_inference_alone_has_no_columns_of_training():
    text = predicted_memory(run_of(memory("lenet", 1e6, 0, 0, 0, 1e6, 2e6, phase="inference")), width=100)
    assert rows(text)[-1] == ["lenet", "4.00", "1.00", "1.00", "2.00"]
    assert "gradi" not in text


def test_each_cell_has_a_table_of_its_own_within_80_columns():
    text = predicted_memory(
        run_of(
            memory("resnet18", *[1.234e9] * 6),
            memory("lenet", *[1.234e9] * 6),
            memory("lenet", *[1e6] * 6, phase="inference"),
        ),
        width=80,
    )
    _, training, inference = text.split("\n\n")
    assert training.splitlines()[0] == "memory/*/28/b16/training/fp32/eager"
    assert [row[0] for row in rows(training)[-2:]] == ["resnet18", "lenet"]
    assert inference.splitlines()[0] == "memory/*/28/b16/inference/fp32/eager"
    assert max(map(len, text.splitlines())) <= 80


def test_runs_without_predictions_have_no_table():
    assert predicted_memory(run_of(latency("lenet", 1.0)), width=100) == ""
