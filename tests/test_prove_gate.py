"""The tool that plants regressions: what it replaces must be there, or it would prove nothing."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLANTS = runpy.run_path(str(ROOT / "tools" / "prove_gate.py"), run_name="prove_gate")["PLANTS"]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_what_a_plant_replaces_is_there_once(plant):
    assert (ROOT / plant.file).read_text(encoding="utf-8").count(plant.old) == 1
    assert plant.new != plant.old
