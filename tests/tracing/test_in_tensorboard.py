"""A real TensorBoard on a real trace and real events, read over HTTP as its own pages read it."""

import gzip
import json
import os
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import torch
from PIL import Image
from record_builders import latency, run_of
from torch import nn
from trace_builders import TRAINED

from vitcnn.bench.subject import Traced
from vitcnn.device import Device
from vitcnn.questions import questions
from vitcnn.report.tensorboard import study
from vitcnn.tracing.events import write_study
from vitcnn.tracing.names import case_folder
from vitcnn.tracing.recording import record_trace

PATIENCE_S = 60
CASE = str(case_folder(TRAINED.case))
PROFILER = "plugin/pytorch_profiler"


class TensorBoard:
    """A server on a port that it chose itself."""

    def __init__(self, logdir: Path, log: Path) -> None:
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", logdir, "--host", "127.0.0.1", "--port", "0"]
        self._log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*map(str, command), "--load_fast", "false", "--reload_interval", "1"],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
            )
        self._url = self.until(self._found_url)

    def _found_url(self) -> str:
        words = self._log.read_text().split()
        return next((word for word in words if word.startswith("http://127.0.0.1:")), "")

    def until(self, look):
        """Return what `look` returns as soon as that is anything."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            assert self.process.poll() is None, self._log.read_text()
            if found := look():
                return found
            time.sleep(0.1)
        raise AssertionError(self._log.read_text())

    def read(self, path: str) -> bytes:
        with urlopen(f"{self._url}data/{path}", timeout=PATIENCE_S) as answer:
            return answer.read()

    def get(self, path: str, **asked):
        """Return the JSON behind a path below /data, packed or not."""
        content = self.read(f"{path}?{urlencode(asked)}")
        return json.loads(gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content)

    def post(self, path: str, **asked):
        body = Request(f"{self._url}data/{path}", json.dumps(asked).encode(), {"Content-Type": "application/json"})
        with urlopen(body, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def profile(self, view: str, path: str, **more):
        """Return what one view of the profiler's tab shows of the trace."""
        return self.get(f"{PROFILER}/{path}", run=CASE, worker="cpu", span="default", view=view, **more)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Start TensorBoard on a study of two cases, one of them with a trace, and end it."""
    logdir = tmp_path_factory.mktemp("traces")
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))

    def run():
        model(torch.ones(2, 8)).sum().backward()

    cpu = Device(name="cpu", key="cpu-test-1t")
    record_trace(Traced(run=run, images=2), device=cpu, folder=logdir / CASE, about={"case": TRAINED.case})
    records = run_of(TRAINED, latency("vit_micro", 0.5, 0.25, 0.5))
    write_study(study(records, tuple(questions().values())), logdir)
    server = TensorBoard(logdir, tmp_path_factory.mktemp("log") / "log")
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(PATIENCE_S)


def test_the_profiler_tab_shows_the_trace(board):
    def loaded():
        told = board.get(f"{PROFILER}/runs")
        return told["runs"] if not told["loading"] else []

    assert board.until(loaded) == [CASE]
    assert board.get(f"{PROFILER}/views", run=CASE) == ["Overview", "Operator", "Trace"]
    overview = board.profile("Overview", "overview")
    assert [row[0] for row in overview["steps"]["rows"]] == [str(number) for number in range(1, 11)]
    [average] = overview["performance"]
    assert 0 < average["value"] < 1e6
    table = board.profile("Operator", "operation/table", group_by="Operation")["data"]
    assert {"aten::addmm": 20, "aten::mm": 30}.items() <= {row["name"]: row["calls"] for row in table}.items()
    names = {event["name"] for event in board.profile("Trace", "trace")["traceEvents"]}
    assert {"forward", "backward", "part 0", "part 1"} <= names


def test_scalars_images_texts_and_hyper_parameters_are_shown(board):
    tags = board.until(lambda: (found := board.get("plugin/scalars/tags")).keys() >= {CASE} and found)
    assert {"training_loss/seed_0", "learning_rate", "test_accuracy/seed_0", "measured/test_accuracy"} <= tags[
        CASE
    ].keys()
    values = board.get("plugin/scalars/scalars", run=CASE, tag="test_accuracy/seed_0")
    assert [(step, value) for _, step, value in values] == [(2, 0.5)]
    [other] = tags.keys() - {CASE}
    values = board.get("plugin/scalars/scalars", run=other, tag="rounds/latency_s")
    assert [(step, value) for _, step, value in values] == [(0, 0.5), (1, 0.25), (2, 0.5)]
    assert board.get("plugin/images/tags")[CASE].keys() == {"confusion_matrix"}
    [image] = board.get("plugin/images/images", run=CASE, tag="confusion_matrix", sample=0)
    picture = Image.open(BytesIO(board.read(f"plugin/images/individualImage?{image['query']}")))
    assert (picture.format, picture.size > (100, 100)) == ("PNG", True)
    [text] = board.get("plugin/text/text", run=".", tag="comparison/text_summary")
    assert "<table>" in text["text"]
    assert "vit_micro" in text["text"]
    told = board.post("plugin/hparams/experiment", experimentName="")
    assert {"architecture", "family", "recipe"} <= {info["name"] for info in told["hparamInfos"]}
    assert "measured/test_accuracy" in {info["name"]["tag"] for info in told["metricInfos"]}
