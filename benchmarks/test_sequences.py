"""How good are models of sequences of digits: what is the sum of up to ten, and does one occur among the others?

By length, on longer sequences than trained on, and how long a forward takes; study E's models beside corrected ones.
"""

from vitcnn import SequenceCase, SequenceLatencyCase
from vitcnn.architectures import architectures, architectures_for
from vitcnn.input_sizes import OF_SEQUENCES
from vitcnn.recipes import recipe_for
from vitcnn.tasks import tasks

OF_SUMS, OF_ANCHORS = (architectures_for(28, kind) for kind in OF_SEQUENCES)
FIRST = ("sum_transformer", "sum_fc", "anchor_transformer", "anchor_fc")
BEST = ("sum_of_numbers", "sum_patch_vit", "anchor_matching", "anchor_patch_vit")

STRUCTURE = "sum_of_digits"
"""It knows that what it sums are digits."""


def is_published(name):
    """Whether an architecture is study E's, padding and all."""
    return name.endswith("_published")


def by_its_recipe(name, source):
    """Return the case of an architecture on sequences of a data set, by the recipe of the task's set that suits it."""
    task = tasks()[f"digit_{'sum' if name in OF_SUMS else 'anchor'}_{source}"]
    preset = (
        "full"
        if source != "digits"
        else "smoke"
        if name in (*FIRST, STRUCTURE)
        else "standard"
        if name in BEST
        else "full"
    )
    recipe = recipe_for(task, architectures()[name]).name
    return SequenceCase(architecture=name, task=task.name, recipe=recipe, preset=preset)


CORRECTED = tuple(
    by_its_recipe(name, source)
    for source in ("digits", "glyphs", "mnist")
    for name in dict.fromkeys((*FIRST, *BEST, *OF_SUMS, *OF_ANCHORS))
    if not is_published(name)
)
STUDY_E = tuple(
    SequenceCase(architecture=name, task=f"digit_{asked}_published_{source}", recipe="study_e", preset="full")
    for source in ("digits", "glyphs", "mnist")
    for asked, names in (("sum", OF_SUMS), ("anchor", OF_ANCHORS))
    for name in names
    if is_published(name) or name in FIRST
)


def latency(name, batch, length, preset):
    """Return the case of a forward of sequences of a length, with an anchor where the architecture takes one."""
    return SequenceLatencyCase(
        architecture=name, px=28, batch=batch, length=length, anchored=name in OF_ANCHORS, preset=preset
    )


LATENCY = tuple(
    latency(name, 1, length, "smoke")
    for name, lengths in (
        ("sum_transformer", (1, 5, 10, 20)),
        ("sum_fc", (10,)),
        ("anchor_transformer", (10,)),
        ("anchor_fc", (10,)),
    )
    for length in lengths
)
LATENCY_OF_ALL = tuple(
    latency(name, batch, length, "full") for name in (*OF_SUMS, *OF_ANCHORS) for length in (10, 20) for batch in (1, 64)
)
CASES = tuple(dict.fromkeys((*CORRECTED, *STUDY_E, *LATENCY, *LATENCY_OF_ALL)))


def test_sequences(case, measure):
    measure(case)
