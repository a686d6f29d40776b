"""The catalogue of tasks: one file a data set, one constant an entry, found by walking this package."""

import sys
from functools import cache

from vitcnn import catalogue
from vitcnn.errors import UnknownName
from vitcnn.spec import Data, Task


@cache
def tasks() -> dict[str, Task]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Task)


def task(name: str) -> Task:
    """Return the catalogue's entry `name`; UnknownName offers the nearest."""
    if name not in tasks():
        raise UnknownName(field="task", value=name, known=tasks())
    return tasks()[name]


@cache
def data(name: str) -> Data:
    """Return the data of task `name`, loaded once a process."""
    return task(name).load()
