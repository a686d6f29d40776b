"""Accuracy on few training images: each seed draws its own."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from math import ceil

import numpy as np

from vitcnn.bench import Bench
from vitcnn.errors import UserError
from vitcnn.prepare.accuracy import training_runs
from vitcnn.prepare.seeds import SeedRuns
from vitcnn.recipes import Recipe, recipe
from vitcnn.spec import DataEfficiencyCase, Split
from vitcnn.subject import Subject
from vitcnn.training import shrunk


class FewImages(SeedRuns):
    """Trains each seed on `num_train` images of its own."""

    case: DataEfficiencyCase

    @cached_property
    def recipe(self) -> Recipe:
        """The case's recipe, with as many epochs as make at least as many steps as on all training images."""
        whole = recipe(self.case.recipe)
        steps = whole.epochs * max(1, len(self.data.train.labels) // whole.batch)
        return replace(whole, epochs=ceil(steps / max(1, self.case.num_train // whole.batch)))

    @cached_property
    def tested_epochs(self) -> tuple[int, ...]:
        """The last epoch alone: few images make many epochs."""
        return (self.recipe.epochs,)

    def splits(self) -> tuple[Split, Split]:
        return few(self.data.train, self.case.num_train, seed=0), self.data.test

    def before_round(self) -> None:
        super().before_round()
        drawn = few(self.data.train, self.case.num_train, seed=self.seed)
        self.train = self.source(shrunk(drawn, self.shape.px, self.device))


def prepare_data_efficiency(case: DataEfficiencyCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed on few images; UserError where there are not as many."""
    there_are = len(bench.tasks.data(case.task, bench.progress).train.labels)
    if case.num_train > there_are:
        do = "Correct it in the case."
        raise UserError(field="num_train", value=case.num_train, allowed=f"1 to {there_are} on {case.task}", do=do)
    return training_runs(FewImages(case, bench))


def few(split: Split, count: int, *, seed: int) -> Split:
    """Return `count` images of `split`, of each class as many as of any other, but for one, while it has them."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(split.labels))
    labels = split.labels[order]
    rank = np.empty(len(labels), dtype=np.int64)  # an image's place among those of its class
    for label in np.unique(labels):
        of_label = np.flatnonzero(labels == label)
        rank[of_label] = np.arange(len(of_label))
    chosen = order[np.argsort(rank, kind="stable")[:count]]
    return Split(images=split.images[chosen], labels=split.labels[chosen])
