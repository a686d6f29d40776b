import pytest
import torch

from vitcnn.architectures import architecture, architectures
from vitcnn.errors import UnknownName, UnsupportedResolution
from vitcnn.inference import resized
from vitcnn.metrics.macs import macs
from vitcnn.spec import FAMILIES, Architecture, InputShape

ENTRIES = list(architectures().values())
EVERY_ENTRY = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
EVERY_RESOLUTION = pytest.mark.parametrize(
    "entry, px",
    [(entry, px) for entry in ENTRIES for px in entry.resolutions],
    ids=lambda value: value.name if isinstance(value, Architecture) else str(value),
)


def num_parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def test_catalogue_holds_the_first_architectures_by_name():
    assert {"lenet", "resnet18", "vit_micro", "vit_tiny"} <= set(architectures())
    assert all(name == entry.name for name, entry in architectures().items())
    assert len({id(entry) for entry in ENTRIES}) == len(ENTRIES)


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
def test_published_macs_are_within_one_percent(entry):
    assert macs(entry, entry.published.shape) == pytest.approx(entry.published.macs, rel=0.01)


@pytest.mark.parametrize("channels", [1, 3])
@EVERY_RESOLUTION
def test_forward_gives_a_logit_for_each_class(entry, px, channels):
    shape = InputShape(px=px, channels=channels, num_classes=7)
    with torch.no_grad():
        logits = resized(entry, shape).eval()(torch.rand(2, channels, px, px) * 2 - 1)
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()


@EVERY_RESOLUTION
def test_logits_depend_on_the_image(entry, px):
    torch.manual_seed(0)
    model = resized(entry, InputShape(px=px, channels=3, num_classes=7)).eval()
    with torch.no_grad():
        one, other = model(torch.stack([torch.zeros(3, px, px), torch.rand(3, px, px) * 2 - 1]))
    assert not torch.equal(one, other)


@EVERY_ENTRY
@pytest.mark.parametrize("px", [0, 27, 96, 225])
def test_other_resolutions_are_refused_with_those_there_are(entry, px):
    with pytest.raises(UnsupportedResolution) as caught:
        entry.build(InputShape(px=px, channels=3, num_classes=7))
    allowed = ", ".join(map(str, sorted(entry.resolutions)))
    assert str(caught.value).startswith(f"{entry.name} takes {allowed} px input, not {px} px: ")


def test_an_unknown_architecture_offers_the_nearest_and_timm():
    with pytest.raises(UnknownName, match=r"timm/NAME for any timm model\. Did you mean resnet18"):
        architecture("resnet-18")
