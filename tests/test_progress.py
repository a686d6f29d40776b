import io
import re
import sys

import pytest
from terminals import above, below, on_terminal

from vitcnn.progress import BelowTheLine, ProgressBar, Steps

DRAWS = """
import sys, time
from vitcnn.progress import BelowTheLine, ProgressBar
sys.stdout.write("tests ..")
sys.stdout.flush()
bar = ProgressBar(BelowTheLine(sys.stderr))
for done in range(4):
    bar(done, 3, f"{done}/3 files")
    time.sleep(0.15)
sys.stdout.write(". done")
"""


ALONE = """
from vitcnn.progress import ProgressBar
bar = ProgressBar()
for done in range(3):
    bar(done, 2, f"{done}/2 files")
"""


@pytest.fixture
def written(tmp_path, pytestconfig):
    env = {"PATH": "", "TERM": "xterm", "PYTHONPATH": str(pytestconfig.rootpath)}
    return on_terminal([sys.executable, "-c", DRAWS], cwd=tmp_path, env=env)


def test_a_line_that_is_written_bit_by_bit_is_left_as_it_is(written):
    assert above(written) == "tests ... done"


def test_the_bar_has_the_units_of_its_text_and_none_of_its_own(written):
    drawn = below(written)
    assert drawn[0].startswith("0/3 files:   0%|")
    assert any(line.startswith("2/3 files:  67%|") for line in drawn)
    assert not any("it/s" in line or "it]" in line for line in drawn)


def test_the_line_below_is_empty_at_the_end(written):
    assert written.rpartition("\x1b[2K")[2].partition("\x1b8")[0].strip() == ""


@pytest.mark.parametrize("columns, shown", [(0, 79), (60, 59)])
def test_the_bar_is_whole_on_a_terminal_without_a_size_too(tmp_path, pytestconfig, columns, shown):
    env = {"PATH": "", "TERM": "xterm", "PYTHONPATH": str(pytestconfig.rootpath)}
    written = on_terminal([sys.executable, "-c", ALONE], cwd=tmp_path, env=env, columns=columns)
    (first,) = {line for line in written.split("\r") if line.startswith("0/2 files:   0%|")}
    assert first.endswith(" left")
    assert len(first) == shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_share_is_right_where_what_is_counted_changes():
    """As of images, and of the tiles of each."""
    terminal = Terminal()
    bar = ProgressBar(terminal)
    for done, total in ((1, 4), (1 * 9 + 8, 4 * 9), (2, 4), (2 * 2 + 1, 4 * 2), (4, 4)):
        bar(done, total, f"{done} of {total}")
    drawn = re.findall(r"(\d+) of (\d+): +(\d+)%", terminal.getvalue())
    assert {(int(done), int(total)) for done, total, _ in drawn} == {(1, 4), (17, 36), (2, 4), (5, 8)}
    assert all(round(100 * int(done) / int(total)) == int(share) for done, total, share in drawn)


def test_steps_without_a_terminal_are_lines_as_they_begin(capsys):
    steps = Steps()
    for done, text in enumerate(("run 1 of 2", "run 2 of 2", "")):
        steps(done, 2, text)
    assert capsys.readouterr().err == "vitcnn: run 1 of 2 ...\nvitcnn: run 2 of 2 ...\n"


def test_nothing_is_drawn_where_the_stream_is_no_terminal(monkeypatch):
    stream = io.StringIO()
    bar = ProgressBar(BelowTheLine(stream))
    bar(1, 2, "half")
    bar(2, 2, "whole")
    assert stream.getvalue() == ""
