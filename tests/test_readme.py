"""README's commands are the ones that CI runs, links in the docs lead somewhere, and CONTRIBUTING's map is complete."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]


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


def anchors(page):
    """Return the anchors that GitHub gives the headings of a page."""
    outside_code = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", outside_code, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_headings_name_headings(page):
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text())
    missing = [
        f"{file}#{anchor}" for file, anchor in links if anchor not in anchors(page.parent / file if file else page)
    ]
    assert not missing


def test_an_anchor_is_made_as_github_makes_it(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# `vitcnn run`: 4K, without_a clone\n```sh\n# no heading\n```\n## 7. Counts\n")
    assert anchors(page) == {"vitcnn-run-4k-without_a-clone", "7-counts"}


def test_contributing_says_what_each_package_and_module_holds():
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("## Where things live")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\| (.+?) \|", text, re.MULTILINE) for name in re.findall("`(.+?)`", row)}
    found = {f"{file.parent.name}/" for file in ROOT.glob("vitcnn/*/__init__.py")}
    found |= {file.name for file in ROOT.glob("vitcnn/*.py")} - {"__init__.py"}
    assert named - {f"{folder}/" for folder in ("vitcnn", "benchmarks", "tests", "tools", "docs")} == found
