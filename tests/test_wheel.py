"""What `pip install vitcnn` brings: a wheel is built here, from the repository and from its source distribution."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "vitcnn", "benchmarks")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_{what}(sys.argv[1])"


def build(what: str, sources: Path, out: Path) -> Path:
    """Build what an installer would, with the setuptools that is here; return the file."""
    command = [sys.executable, "-c", BUILD.format(what=what), str(out)]
    subprocess.run(command, cwd=sources, check=True, capture_output=True, text=True)
    (file,) = out.iterdir()
    return file


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of what is built, with a stored baseline: what an earlier build left in the repository stays out."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    stored = folder / "benchmarks" / "baselines" / "cpu-test-1t" / "0001_v1-1of1.json"
    stored.parent.mkdir(parents=True)
    stored.write_text("{}")
    return folder


@pytest.fixture(scope="module")
def wheel(sources, tmp_path_factory):
    return names_in(build("wheel", sources, tmp_path_factory.mktemp("wheel")))


def test_it_holds_the_whole_package_and_what_it_reads(wheel):
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "vitcnn").rglob("*.py")}
    assert modules <= wheel
    assert {"vitcnn/record/run.schema.json", "vitcnn/py.typed"} <= wheel


def test_it_holds_the_suite_without_its_baselines_and_no_other_package(wheel):
    suite = {f"vitcnn/_benchmarks/{path.name}" for path in (ROOT / "benchmarks").glob("*.py")}
    assert len(suite) == 12
    assert {name for name in wheel if "_benchmarks" in name} == suite
    assert {name.partition("/")[0] for name in wheel if ".dist-info/" not in name} == {"vitcnn"}


def test_the_source_distribution_builds_the_same_wheel(sources, wheel, tmp_path_factory):
    archive = build("sdist", sources, tmp_path_factory.mktemp("sdist"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as content:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.4
        content.extractall(unpacked, **safely)
    (folder,) = unpacked.iterdir()
    assert names_in(build("wheel", folder, tmp_path_factory.mktemp("again"))) == wheel
