"""What pyproject.toml cannot say: in the wheel the suite in `benchmarks` is the package `vitcnn._benchmarks`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["vitcnn*"]), "vitcnn._benchmarks"],
    package_dir={"vitcnn._benchmarks": "benchmarks"},
)
