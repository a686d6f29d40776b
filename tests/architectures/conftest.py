import pytest


@pytest.fixture(autouse=True)
def one_thread():
    """All threads: the catalogue's largest models have 300 million parameters."""
