"""README's commands are the ones that CI runs, and the links in the docs lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


@pytest.mark.parametrize("environment", ["tests", "bench"])
def test_ci_takes_its_command_from_readme(environment):
    script = (ROOT / ".ci/run").read_text()
    function = re.search(r"^from_readme\(\).*?^}", script, re.DOTALL | re.MULTILINE)[0]
    command = subprocess.run(
        ["bash", "-c", f"{function}\nfrom_readme {environment}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert command == f"python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox -e {environment}"
    assert f"[testenv:{environment}]" in (ROOT / "tox.ini").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing
