"""The tools are no part of the package: they must still fit it."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = sorted(path for path in (ROOT / "tools").glob("*.py") if path.stem != "forked")
PLANTS = runpy.run_path(str(ROOT / "tools" / "prove_gate.py"), run_name="prove_gate")["PLANTS"]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.stem)
def test_what_a_tool_imports_is_there(tool):
    assert callable(runpy.run_path(str(tool), run_name=tool.stem)["main"])


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_what_a_plant_replaces_is_there_once(plant):
    """What is not there cannot be replaced, and the gate would be proven on unchanged code."""
    assert (ROOT / plant.file).read_text(encoding="utf-8").count(plant.old) == 1
    assert plant.new != plant.old
