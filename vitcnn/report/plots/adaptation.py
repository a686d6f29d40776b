"""Draws what adapting models brings: accuracy against training time, curves, ROC curves and confusion matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vitcnn.adaptations import Adaptation, adaptation
from vitcnn.record import Record
from vitcnn.report.plots import Drawing
from vitcnn.report.plots.confusion import confusion_matrices
from vitcnn.report.plots.cost_points import Cost, Point, point
from vitcnn.report.plots.curves import accuracy_curves, draw, finish, learning_curves, middle, new_figure
from vitcnn.report.plots.records import groups_of, has_series, labels, series_of
from vitcnn.report.plots.styles import colours_of, styles
from vitcnn.report.plots.tradeoff_figure import FEWEST, Legend, Look, Shown, tradeoff_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUESTION = "adaptation"
TRAINING_TIME = Cost(
    name="training time",
    question=QUESTION,
    metric="training_time_s",
    unit="s",
    words="median training time of a seed",
    spread="5th to 95th percentile of the seeds",
)
MARKERS: dict[str, str] = {"full": "o", "head": "^", "lora": "s"}
"""Of the kinds of adaptation, in the order of the legend."""

WORDS = {"full": "full", "head": "head", "lora": "LoRA"}
MARKER_COLOUR = "grey"
MARKED_EVERY = 5
"""Points of a ROC curve from one marker to the next."""

LEGEND_TITLE = "colour: architecture\nshape: what trains"


def against_training_time(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw a figure for each task and number of training images on which two cases or more were measured."""
    colours = colours_of(records)
    for group in groups_of(records, QUESTION):
        found = [record for record in group.records if TRAINING_TIME.fits(record)]
        if len(found) < FEWEST:
            continue
        points = [
            shown(point(record, record, TRAINING_TIME), label, colours[record.architecture])
            for record, label in zip(found, labels(found), strict=True)
        ]
        yield group.name, tradeoff_figure(group.words, TRAINING_TIME, points, legend_of(points))


def shown(of: Point, label: str, colour: object) -> Shown:
    """Show a point in its architecture's colour, with the marker of its kind of adaptation."""
    return Shown(point=of, name=label.replace(",", ""), look=Look(colour=colour, marker=MARKERS[kind_of(of.trained)]))


def kind_of(record: Record) -> str:
    """Return what kind of adaptation a record is about: `full`, `head` or `lora`."""
    how: Adaptation = adaptation(record.settings["adaptation"])
    return how.kind


def legend_of(points: Sequence[Shown]) -> Legend:
    """Return the legend of the architectures and the kinds of adaptation that are there."""
    kinds = {kind_of(one.point.trained) for one in points}
    architectures = {one.point.trained.architecture: Look(colour=one.look.colour) for one in points}
    markers = {WORDS[kind]: Look(colour=MARKER_COLOUR, marker=MARKERS[kind]) for kind in MARKERS if kind in kinds}
    return Legend(title=LEGEND_TITLE, looks={**architectures, **markers})


def roc_curves(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw the ROC curve of each case, all decisions of one class against the rest together, where it is known."""
    known = [record for record in records if has_series(record, "roc_curve")]
    for group in groups_of(known, QUESTION):
        figure, [axes] = new_figure(columns=1)
        look = styles(group.records, records)
        for record in group.records:
            rates, curves = series_of(record, "false_positive_rate"), series_of(record, "roc_curve")
            is_shown = rates > 0  # on a logarithmic axis
            thick = middle(series_of(record, "test_accuracy")[:, -1])
            style = {**look[record.case], "markevery": MARKED_EVERY}
            draw(axes, rates[is_shown], curves[:, is_shown], style, thick=thick)
        axes.set(xscale="log", xlabel="false positive rate", ylabel="true positive rate")
        yield group.name, finish(figure, f"ROC curves (micro-average) on {group.words}")


DRAWINGS: Mapping[str, Drawing] = {
    "adaptation-against-training-time": against_training_time,
    "adaptation-accuracy": partial(accuracy_curves, question=QUESTION, fewest_points=2),
    "adaptation-learning": partial(learning_curves, question=QUESTION),
    "adaptation-roc": roc_curves,
    "adaptation-confusion": partial(confusion_matrices, question=QUESTION),
}
"""All of them, by how their files' names begin."""
