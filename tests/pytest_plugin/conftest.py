"""A miniature suite in a folder of its own, run by pytest in a process of its own."""

from collections.abc import Callable

import pytest
from miniature import Suite


@pytest.fixture(scope="session")
def new_suite(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Suite]:
    """Return what makes a suite of files given by name; for the fixtures that several tests share a run by."""

    def make(files: dict[str, str] | None = None) -> Suite:
        suite = Suite(tmp_path_factory.mktemp("suite"))
        for name, text in (files or {}).items():
            suite.write(name, text)
        return suite

    return make


@pytest.fixture
def suite(new_suite: Callable[..., Suite]) -> Suite:
    return new_suite()
