"""The suite that is attacked: benchmarks that take the times that a file says."""

import json

CASES = {
    "benchmarks/test_insects.py": ("insect", ("ant", "bee")),
    "benchmarks/test_mammals.py": ("mammal", ("cat", "dog")),
    "benchmarks/birds/test_birds.py": ("bird", ("emu",)),
}
TIMES = {"ant": 5e-3, "bee": 2e-6, "cat": 0.7, "dog": 0.03, "emu": 1.0}
TEST = """
import pytest
from scripted import scripted_clock, taking

@pytest.mark.benchmark(timer=scripted_clock)
@pytest.mark.parametrize("name", {names})
def test_{what}(measure, name):
    measure.time(taking(name))
"""
SUITE = {
    "conftest.py": """
from vitcnn.measuring import own_benchmark
from vitcnn.bench.rounds import Rounds

pytest_plugins = ["vitcnn.pytest_plugin"]
own_benchmark.MANY_ROUNDS = Rounds(at_least=3, at_most=3, budget_s=0)
""",
    "scripted.py": '''
"""What each case takes, and some noise that another process has another share of."""

import json
from pathlib import Path

HERE = Path(__file__).parent
TIMES = json.loads((HERE / "times.json").read_text())
COUNTER = HERE / "processes.txt"
PROCESS = int(COUNTER.read_text()) if COUNTER.exists() else 0
COUNTER.write_text(str(PROCESS + 1))
NOISE = (0.0, 0.002, -0.002, 0.003, -0.001)
clock = [0.0]

def scripted_clock():
    return clock[0]

def taking(name):
    def run():
        clock[0] += TIMES[name] * (1 + NOISE[(PROCESS + len(name) * ord(name[0])) % len(NOISE)])
    return run
''',
    "pytest.ini": "[pytest]\nmarkers = slow: takes long\n",
    "times.json": json.dumps(TIMES),
    ".gitignore": "__pycache__/\n.pytest_cache/\n.vitcnn/\nprocesses.txt\nout*/\n.output*\n",
    **{name: TEST.format(what=what, names=list(names)) for name, (what, names) in CASES.items()},
}
STORE = "benchmarks/baselines"
BEE = "benchmarks/test_insects.py::test_insect[bee]"
INSECTS, MAMMALS, BIRDS = CASES
