"""`vitcnn trace` on files made by hand."""

import pytest
from miniature import imported_by
from trace_builders import TRAINING, operator, step, written

from vitcnn.cli import main

VIT = (step(0, 0, 100), operator("aten::addmm", 0, 80))
CNN = (step(0, 0, 50), operator("aten::convolution", 0, 40))


@pytest.fixture
def runs(tmp_path):
    written(tmp_path / "latency/lenet/28", *CNN, about={"case": "latency/lenet/28"})
    written(tmp_path / "latency/vit_micro/28", *VIT, about={"case": "latency/vit_micro/28"})
    return tmp_path


def status_of(*arguments):
    return main(["trace", *map(str, arguments)])


def test_every_trace_of_a_folder_is_shown(capsys, runs):
    assert status_of(runs) == 0
    out = capsys.readouterr().out
    assert out.index("latency/lenet/28 (CPU)") < out.index("latency/vit_micro/28 (CPU)")
    assert "Of that, convolution 80 %" in out
    assert "Of that, matrix product 80 %" in out


def test_two_traces_are_compared_as_folders_or_files(capsys, runs):
    folders = runs / "latency/lenet", runs / "latency/vit_micro"
    assert status_of(*folders) == 0
    out = capsys.readouterr().out
    assert "B takes 2.00 times as long as A: 100 µs against 50.0 µs a run." in out
    assert status_of(*(folder / "28/cpu.pt.trace.json" for folder in folders)) == 0
    assert capsys.readouterr().out == out


def test_of_two_folders_the_cases_that_both_hold_are_compared(capsys, runs, tmp_path):
    later = tmp_path / "later"
    written(later / "latency/lenet/28", *VIT, about={"case": "latency/lenet/28"})
    written(later / "latency/new/28", *TRAINING)
    assert status_of(runs, later) == 0
    out = capsys.readouterr().out
    assert out.count("times as long as") == 1
    assert "A: latency/lenet/28\nB: latency/lenet/28" in out


def test_one_bad_trace_is_told_once_the_others_are_shown(capsys, runs):
    bad = written(runs / "latency/bad")
    bad.write_bytes(b'{"traceEvents": [{"ph"')
    assert status_of(runs) == 2
    shown = capsys.readouterr()
    assert "latency/lenet/28 (CPU)" in shown.out
    assert "latency/vit_micro/28 (CPU)" in shown.out
    assert shown.err.startswith(f"vitcnn: TRACE: '{bad}' cannot be used.")
    assert len(shown.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["nowhere"], "Check the spelling."),
        (["empty"], "holds no *.pt.trace.json"),
        (["", "empty"], "Perhaps a variable in the command is not set."),
        (["latency", "empty"], "holds no *.pt.trace.json"),
        (["latency", "latency/lenet"], "two folders that hold traces of the same cases"),
        (["latency/lenet", "latency/lenet", "latency/vit_micro"], "one or two traces"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_2(capsys, runs, monkeypatch, arguments, said):
    monkeypatch.chdir(runs)
    (runs / "empty").mkdir()
    assert status_of(*arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1


def test_a_folder_that_may_not_be_read_is_told(capsys, runs, monkeypatch):
    path = runs / "latency/lenet/28/cpu.pt.trace.json"
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda _: (_ for _ in ()).throw(PermissionError(13, "not allowed")))
    assert status_of(path) == 2
    assert "It cannot be read: not allowed." in capsys.readouterr().err


def test_reading_a_trace_imports_no_torch(runs):
    code = f"from vitcnn.cli import main; main(['trace', {str(runs)!r}])"
    assert imported_by(code, "torch", "timm", "tensorboard") == set()
