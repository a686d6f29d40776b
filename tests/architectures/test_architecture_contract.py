from dataclasses import replace

import pytest
import timm
import torch
import torchvision

from vitcnn.architectures import architecture, architectures, architectures_for
from vitcnn.errors import UnknownName, UnsupportedResolution
from vitcnn.inference import resized
from vitcnn.inference.forward import memory_format
from vitcnn.input_sizes import Takes
from vitcnn.metrics.arithmetic import macs
from vitcnn.recipes.parts import AdamW
from vitcnn.spec import FAMILIES, Architecture, InputShape
from vitcnn.training import TrainingStep, optimizers
from vitcnn.training.objectives import CLASSIFICATION, PRESENCE, SUM

ENTRIES = list(architectures().values())
EVERY_ENTRY = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
LARGER_SIBLINGS = {"resnet50", "resnet152", "vit_small", "vit_base", "vit_large"}
"""They differ from resnet18 and vit_tiny in depth, width and block alone; a step takes up to half a minute."""
EVERY_ENTRY_THAT_RUNS = pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry.name not in LARGER_SIBLINGS], ids=lambda entry: entry.name
)
EVERY_RESOLUTION = pytest.mark.parametrize(
    "entry, px",
    [
        (entry, px)
        for entry in ENTRIES
        for px in {entry.model_px(px): px for px in (28, 32, 224, 225, 512, 640)}.values()
    ],
    ids=lambda value: value.name if isinstance(value, Architecture) else str(value),
)
"""Each size that a model works at once: where an odd one is taken as it is, it is asked at that too."""


def shape_for(entry, px, *, channels, num_classes):
    """Return the shape of what an entry is asked with: `num_classes` outputs, of sequences one number."""
    if entry.sizes.kind == "image":
        return InputShape(px=px, channels=channels, num_classes=num_classes)
    return replace(entry.published.shape, px=px, channels=channels)


def num_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


OBJECTIVE_OF = {
    "image": CLASSIFICATION,
    "sequence of images": SUM,
    "anchor and sequence of images": PRESENCE,
}

SMALL_PX, TWO_STEMS_PX = (28, 32, 32, 32), (28, 32, 224, 512)
MODEL_PX = {
    **dict.fromkeys(("lenet", "speedrun_cnn", "speedrun_vit", "vit_micro"), SMALL_PX),
    **dict.fromkeys(("resnet18", "vit_tiny"), TWO_STEMS_PX),
    **dict.fromkeys(("study_e_cnn", *(entry.name for entry in ENTRIES if entry.sizes.kind != "image")), (28,) * 4),
}
"""What the models work at for images of 28, 32, 224 and 512 px; all others are made for 224 px."""

CATALOGUE = {
    "cnn": {
        "lenet",
        "study_e_cnn",
        "speedrun_cnn",
        "resnet18",
        "resnet50",
        "resnet152",
        "efficientnet_b0",
        "convnext_tiny",
        "hrnet_w18",
    },
    "vit": {"vit_micro", "vit_tiny", "vit_small", "vit_base", "vit_large", "swin_tiny"},
    "hybrid": {"speedrun_vit", "vit_hybrid", "coatnet_0"},
    "other": set(),
}
"""Of single images."""

CATALOGUE_OF_SEQUENCES = {
    "sequence of images": {
        "cnn": {"sum_fc_published", "sum_fc", "sum_of_digits", "sum_of_numbers"},
        "vit": {"sum_vit", "sum_patch_vit"},
        "hybrid": {
            "sum_transformer_published",
            "sum_transformer",
            "sum_transformer_pooled",
            "sum_transformer_mean",
            "sum_attention",
        },
        "other": set(),
    },
    "anchor and sequence of images": {
        "cnn": {"anchor_fc_published", "anchor_fc", "anchor_matching"},
        "vit": {"anchor_vit", "anchor_patch_vit"},
        "hybrid": {"anchor_transformer_published", "anchor_transformer", "anchor_transformer_masked"},
        "other": set(),
    },
}


def test_catalogue_holds_the_architectures_of_the_studies_by_name():
    assert all(name == entry.name for name, entry in architectures().items())
    for kind, expected in {"image": CATALOGUE, **CATALOGUE_OF_SEQUENCES}.items():
        found = [entry for entry in ENTRIES if entry.sizes.kind == kind]
        assert {family: {e.name for e in found if e.family == family} for family in FAMILIES} == expected


@EVERY_ENTRY
def test_entry_says_what_it_is_and_where_it_is_from(entry):
    assert entry.family in FAMILIES
    assert entry.source
    assert entry.published.source
    assert architecture(entry.name) is entry


@EVERY_ENTRY
def test_published_parameters_are_built_to_the_unit(entry):
    with torch.device("meta"):
        model = entry.build(entry.published.shape)
    assert num_parameters(model) == entry.published.parameters


@EVERY_ENTRY
def test_published_macs_are_within_one_percent_or_the_entry_says_why(entry):
    ratio = macs(entry, entry.published.shape) / entry.published.macs
    assert abs(ratio - 1) < (0.03 if entry.published.macs_exception else 0.01)
    assert (abs(ratio - 1) < 0.01) != bool(entry.published.macs_exception)


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if "torchvision" in entry.published.source], ids=lambda entry: entry.name
)
def test_published_sizes_are_what_torchvision_publishes(entry):
    enum, _, name = entry.published.source.split()[-1].partition(".")
    meta = getattr(torchvision.models, enum)[name].meta
    assert entry.published.parameters == meta["num_params"]
    assert entry.published.macs == pytest.approx(meta["_ops"] * 1e9, rel=1e-6)


@EVERY_ENTRY
def test_hub_weights_are_ones_that_timm_knows(entry):
    assert not entry.hub or entry.hub in timm.list_pretrained()
    small = ("lenet", "study_e_cnn", "vit_micro", "speedrun_cnn", "speedrun_vit")
    assert bool(entry.hub) == (entry.sizes.kind == "image" and entry.name not in small)


@EVERY_RESOLUTION
def test_forward_gives_a_logit_for_each_class(entry, px):
    shape = shape_for(entry, px, channels=3, num_classes=7)
    with torch.device("meta"), torch.no_grad():
        logits = resized(entry, shape).eval()(torch.empty(shape.of_batch(2)))
    assert logits.shape == (2, 7 if entry.sizes.kind == "image" else 1)


@EVERY_ENTRY_THAT_RUNS
def test_logits_are_finite_and_depend_on_the_image(entry):
    torch.manual_seed(0)
    shape = shape_for(entry, 32, channels=3, num_classes=7)
    model = resized(entry, shape).eval()
    image = shape.of_batch(1)[1:]
    with torch.inference_mode():
        one, other = model(torch.stack([torch.zeros(image), torch.rand(image) * 2 - 1]))
    assert torch.isfinite(torch.stack([one, other])).all()
    assert not torch.equal(one, other)


@EVERY_ENTRY_THAT_RUNS
def test_one_training_step_on_greyscale_digits_moves_the_first_trained_layer_and_the_last(entry, cpu):
    torch.manual_seed(0)
    shape = shape_for(entry, 28, channels=1, num_classes=10)
    model = resized(entry, shape)
    updating = optimizers(model, AdamW(peak_learning_rate=1e-3, weight_decay=0.0))
    step = TrainingStep(
        model,
        updating,
        device=cpu,
        layout=memory_format(entry),
        precision="fp32",
        mode="eager",
        objective=OBJECTIVE_OF[entry.sizes.kind],
    )
    weights = [weight for name, weight in model.named_parameters() if name.endswith("weight") and weight.requires_grad]
    ends = weights[0], weights[-1]
    before = [weight.clone() for weight in ends]
    assert torch.isfinite(step(torch.rand(shape.of_batch(2)) * 2 - 1, torch.tensor([0, 1])))
    assert not any(torch.equal(one, weight) for one, weight in zip(before, ends, strict=True))


@EVERY_ENTRY
def test_the_sizes_of_the_benchmarks_give_the_model_what_they_always_gave(entry):
    """The numbers below an id would mean something else: their baselines would be those of other models."""
    assert tuple(entry.model_px(px) for px in (28, 32, 224, 512)) == MODEL_PX.get(entry.name, (224, 224, 224, 512))


@EVERY_ENTRY
def test_images_without_pixels_are_refused_with_what_is_taken(entry):
    with pytest.raises(UnsupportedResolution) as caught:
        entry.build(InputShape(px=0, channels=3, num_classes=7))
    assert str(caught.value).startswith(f"{entry.name} takes {entry.takes.words}, not 0 px: ")


def test_who_walks_the_catalogue_meets_only_what_takes_its_input(monkeypatch):
    takes = Takes(at_least_px=28, kind="sequence of images")
    monkeypatch.setitem(architectures(), "of_clips", replace(architecture("lenet"), name="of_clips", takes=takes))
    for kind, families in {"image": CATALOGUE, **CATALOGUE_OF_SEQUENCES}.items():
        more = {"of_clips"} if kind == "sequence of images" else set()
        assert sorted(architectures_for(224, kind)) == sorted(set().union(more, *families.values()))


def test_an_unknown_architecture_offers_the_nearest_and_timm():
    with pytest.raises(UnknownName, match=r"timm/NAME for any timm model, .* for your own\. Did you mean resnet18"):
        architecture("resnet-18")
