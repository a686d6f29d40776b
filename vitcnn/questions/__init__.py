"""Collects the questions that benchmarks ask: each question is a file in this package, which is found automatically.

A file holds the question's `Case`, how such a case is prepared, what it provides for metrics, and how a report shows
it; beside it only its file in `benchmarks/` is needed. Nothing here imports torch before a case is prepared.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from vitcnn import catalogue
from vitcnn.questions.question import Question
from vitcnn.spec import Case

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject
    from vitcnn.metrics.metric import Metric


@cache
def questions() -> dict[str, Question]:
    """Return the catalogue by name, in the order of reports."""
    found = catalogue.entries(sys.modules[__name__], Question)
    return dict(sorted(found.items(), key=lambda entry: (entry[1].place, entry[0])))


def question_of(case: Case) -> Question:
    """Return the question that `case` asks."""
    return questions()[case.question]


def prepared(case: Case, bench: Bench) -> Subject:
    """Return what `case` measures, built and ready."""
    return question_of(case).prepare(case, bench)


def is_metered(case: Case) -> bool:
    """Whether `--energy` measures the energy of `case`: its question is about runs that can be repeated."""
    from vitcnn.metrics.energy import JOULES_PER_IMAGE

    return JOULES_PER_IMAGE.reads in question_of(case).provides


def metrics_of(question: Question) -> list[Metric]:
    """Return the metrics that can be read of a question's cases, by name."""
    from vitcnn.metrics import metrics

    return [metric for _, metric in sorted(metrics().items()) if metric.reads in question.provides]
