"""Lists architectures, tasks, recipes and cases as tables, without importing torch."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from vitcnn.architectures import architectures
from vitcnn.commands.output import num_columns
from vitcnn.recipes import Recipe, recipes
from vitcnn.spec import FAMILIES, Architecture
from vitcnn.suite import cases_in, of_preset
from vitcnn.tasks import Tasks
from vitcnn.tasks.download import missing_files

WIDEST_TAKES = 20
"""Characters of what an architecture takes before it goes on in the next line."""

WIDEST_INPUT = 18
"""Characters of what a sequence is before it goes on in the next line."""

NARROWEST = 26
"""Characters of the last column where the terminal leaves it less."""


def list_architectures(*, sources: bool = False) -> str:
    """Return the catalogue of architectures, of images and then of sequences, families together, the smallest first."""
    rows = sorted(architectures().values(), key=lambda entry: (FAMILIES.index(entry.family), _parameters(entry)))
    headers = ("family", "architecture", "parameters\nM", "MACs\nG", "at", "takes", "source")
    of_images, of_sequences = (
        _table(
            headers,
            [_architecture_row(entry) for entry in rows if (entry.sizes.kind == "image") == is_image],
            sources=sources,
        )
        for is_image in (True, False)
    )
    note = (
        "Parameters and MACs are published or counted by hand. Images of sizes that a model does not work at are "
        "resized: smaller ones to the smallest size that it takes, others to the nearest. timm/NAME is any timm model."
    )
    return f"{of_images}\n\n{of_sequences}\n{_said(note, sources=sources)}"


def _parameters(entry: Architecture) -> int:
    return entry.published.parameters if entry.published else 0


def _architecture_row(entry: Architecture) -> tuple[str, ...]:
    published = entry.published
    assert published is not None, "every entry of the catalogue has published sizes"
    shape = published.shape
    return (
        entry.family,
        entry.name,
        f"{published.parameters / 1e6:.4g}",
        f"{published.macs / 1e9:.3g}",
        f"{shape.length} x {shape.px} px"
        if shape.length is not None
        else f"{shape.px} px,\n{shape.num_classes:,} classes",
        textwrap.fill(_taken(entry), WIDEST_TAKES),
        f"{entry.source}; parameters and MACs: {published.source.partition(',')[0]}",
    )


def _taken(entry: Architecture) -> str:
    """Return what an architecture takes; of sequences, of what and how long."""
    if entry.sizes.kind == "image":
        return entry.sizes.words
    return f"{entry.sizes.kind}, {'any length' if entry.any_length else 'no longer than built for'}"


def list_tasks(tasks: Tasks, *, sources: bool = False) -> str:
    """Return the catalogue of tasks, of images and then of sequences, and whether their data are here."""
    of_images, of_sequences = [], []
    for task in map(tasks.task, tasks.names()):
        here = "not here" if missing_files(task, tasks.data_root) else "here" if task.files else "no download"
        rest = (f"{task.recipes}_*", here, task.source)
        if task.kind == "image":
            of_images.append((task.name, task.input_words, str(task.shape.num_classes), *rest))
        else:
            of_sequences.append((task.name, textwrap.fill(task.input_words, WIDEST_INPUT), *rest))
    images = _table(("task", "image", "classes", "recipes", "data", "source"), of_images, sources=sources)
    sequences = _table(("task", "sequence", "recipes", "data", "source"), of_sequences, sources=sources)
    folder = f"Data root: {tasks.data_root}. folder:PATH is a folder of your own images."
    return f"{images}\n\n{sequences}\n{_said(folder, sources=sources)}"


def list_recipes(*, sources: bool = False) -> str:
    """Return the training recipes."""
    headers = ("recipe", "epochs", "batch", "optimiser", "peak rate", "weights", "augmentation", "source")
    table = _table(headers, [_recipe_row(entry) for entry in recipes().values()], sources=sources)
    return "\n".join(filter(None, (table, _said("", sources=sources))))


def _recipe_row(entry: Recipe) -> tuple[str, ...]:
    return (
        entry.name,
        str(entry.epochs),
        str(entry.batch),
        entry.optimizer.kind,
        f"{entry.peak_learning_rate:g}",
        entry.weights,
        "\n".join(part.kind for part in entry.augmentation),
        entry.source,
    )


def list_cases(folder: Path, preset: str) -> str:
    """Return the ids of the cases that `preset` runs, with the smallest preset that holds each."""
    cases = of_preset(cases_in(folder), preset)
    counts = Counter(case.preset for case in cases)
    total = ", ".join(f"{count} {name}" for name, count in counts.items())
    return "\n".join([*(f"{case.preset:8} {case}" for case in cases), f"{len(cases)} cases: {total}."])


def _said(note: str, *, sources: bool) -> str:
    """Return what stands below a table: a note, and how the sources are shown where they are not."""
    more = "" if sources else "--sources also shows where each comes from."
    return textwrap.fill(f"{note} {more}".strip(), num_columns(), break_on_hyphens=False)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, sources: bool) -> str:
    """Render a table without its last column, the sources, or with these, wrapped to what the terminal leaves them."""
    others = _render(headers[:-1], [row[:-1] for row in rows])
    if not sources:
        return others
    left = num_columns() - max(map(len, others.splitlines())) - 2
    last = [textwrap.fill(row[-1], max(left, NARROWEST)) for row in rows]
    return _render(headers, [[*row[:-1], text] for row, text in zip(rows, last, strict=True)])


def _render(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)
