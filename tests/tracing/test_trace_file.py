"""What is no trace is refused in one sentence; what is one is read whole, packed or not."""

import gzip
import json

import pytest
from trace_builders import TRAINING, operator, written

from vitcnn.errors import UserError
from vitcnn.tracing.trace_file import read_trace, traces_in

CHROME = {"traceEvents": [{"ph": "X", "cat": "devtools", "name": "paint", "pid": 1, "tid": 1, "ts": 1, "dur": 2}]}
WHOLE = json.dumps({"traceEvents": [operator("aten::add", 0, 5)]})


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "empty, cut off or no JSON"),
        (WHOLE[:-20].encode(), "empty, cut off or no JSON"),
        (b"\x80\x81\xff", "empty, cut off or no JSON"),
        (b"[" * 100_000, "empty, cut off or no JSON"),
        (gzip.compress(WHOLE.encode())[:-9], "cannot be read"),
        (b"\x1f\x8bnothing packed", "cannot be read"),
        (b"[]", "holds no operators of torch"),
        (b"{}", "holds no operators of torch"),
        (b'{"traceEvents": {"a": 1}}', "holds no operators of torch"),
        (b'{"traceEvents": [1, null, {"ph": "X", "cat": "cpu_op", "ts": "soon", "dur": 1}]}', "holds no operators"),
        (b'{"traceEvents": [{"ph": "X", "cat": "cpu_op", "ts": NaN, "dur": 1}]}', "holds no operators of torch"),
        (json.dumps(CHROME).encode(), "another tool wrote it"),
    ],
)
def test_what_is_no_trace_is_refused_in_one_sentence(tmp_path, content, said):
    path = tmp_path / "cpu.pt.trace.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as refused:
        read_trace(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_traces_and_what_is_not_there_are_refused(tmp_path):
    (tmp_path / "notes.json").write_text("{}")
    with pytest.raises(UserError, match="It holds no"):
        traces_in(tmp_path)
    with pytest.raises(UserError, match="Check the spelling"):
        traces_in(tmp_path / "absent")
    with pytest.raises(UserError, match="cannot be read"):
        read_trace(tmp_path)


def test_traces_are_found_at_any_depth_and_read_packed_too(tmp_path):
    plain = written(tmp_path / "latency/lenet/28", *TRAINING)
    packed = tmp_path / "b" / "gpu.pt.trace.json.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert traces_in(tmp_path) == [packed, plain]
    assert traces_in(plain) == [plain]
    assert read_trace(packed).events == read_trace(plain).events


def test_events_have_their_times_in_seconds_and_their_numbers(tmp_path):
    trace = read_trace(written(tmp_path, operator("aten::add", 5, 8, external=3, sequence=9), about={"case": "a/b"}))
    [event] = trace.events
    assert (event.name, event.external, event.sequence) == ("aten::add", 3, 9)
    assert (event.start_s, event.end_s) == pytest.approx((5e-6, 8e-6))
    assert trace.about == {"case": "a/b"}
