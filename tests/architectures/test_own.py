"""A user's own model, from a file or from a package's entry point."""

import re
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import nn

from vitcnn import LatencyCase, architectures
from vitcnn.architectures import architecture, ask_for, own
from vitcnn.bench.obstacles import without_input
from vitcnn.errors import CaseError, UnknownName, UnsupportedResolution, UserError
from vitcnn.inference.forward import memory_format, resized
from vitcnn.measuring.runner import own_failures
from vitcnn.metrics.arithmetic import macs
from vitcnn.recipes import recipe_for
from vitcnn.spec import Architecture, InputShape
from vitcnn.tasks import Tasks, real_images, tasks

MINE = """
    import numpy
    import torch
    from torch import nn

    from vitcnn import Architecture, Takes


    class Net(nn.Module):
        def __init__(self, channels, num_classes, width=8):
            super().__init__()
            self.stem = nn.Conv2d(channels, width, 3, 2, 1)
            self.head = nn.Linear(width, num_classes)

        def forward(self, images):
            return self.head(self.stem(images).mean((2, 3)))


    def whole(shape):
        return Net(shape.channels, shape.num_classes)


    def for_digits():
        return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))


    def patches(px, channels, num_classes):
        assert px % 16 == 0, f"patches of 16 px do not fit {px} px"
        return Net(channels, num_classes)


    STATED = Architecture(name="x", family="cnn", resolutions={28: 224, 224: 224}, builder=patches, source="a paper")
    ONE_ODD_SIZE = Architecture(name="x", family="cnn", resolutions={96: 112}, builder=patches)
    RULE = Architecture(name="x", family="vit", takes=Takes(step_px=16, at_least_px=32), builder=patches)
    WRONG_RULE = Architecture(name="x", family="vit", takes=Takes(step_px=8, at_least_px=40), builder=patches)
    TOO_MUCH = Architecture(name="x", family="cnn", resolutions={28: 28, 224: 224}, builder=patches)


    class OnTheHost(Net):
        def forward(self, images):
            return super().forward(images) + float(images.numpy().mean())


    class Tuple(Net):
        def forward(self, images):
            return super().forward(images), images


    class Features(Net):
        def forward(self, images):
            return self.stem(images)


    class Classes(Net):
        def forward(self, images):
            return super().forward(images).argsort()


    class Lazy(nn.Sequential):
        def __init__(self, num_classes):
            super().__init__(nn.Flatten(), nn.LazyLinear(num_classes))


    class Timm(nn.Module):
        def __init__(self, img_size, in_chans):
            super().__init__()


    class Exits(nn.Module):
        def __init__(self):
            raise SystemExit("bye")


    class Broken(Net):
        def forward(self, images):
            return self.neck(images)


    def nothing(shape):
        return None


    class LeftBehind(Net):
        def __init__(self, channels, num_classes):
            super().__init__(channels, num_classes)
            self.scale = torch.ones(8)

        def forward(self, images):
            return self.head(self.stem(images).mean((2, 3)) * self.scale)


    BUILT = Net(1, 10)
"""
SHAPE = InputShape(px=32, channels=3, num_classes=10)
SOME_PX = (28, 32, 224, 512, 640)


def taken(entry):
    """Return what an architecture works at for those of some sizes that it takes."""
    return {px: entry.model_px(px) for px in SOME_PX if entry.accepts(px)}


@pytest.fixture
def mine(tmp_path):
    """A function from a NAME to the reference to it."""
    path = tmp_path / "mine.py"
    path.write_text(dedent(MINE))
    yield lambda name: f"{path}:{name}"
    ask_for([])


@pytest.mark.parametrize("px", [*own.TRIED_PX, 96, 640])
def test_the_shapes_that_are_tried_are_those_of_the_benchmarks(px):
    assert own.shown(px) == real_images.input_shape(px)


@pytest.mark.parametrize("name", ["Net", "whole"])
def test_a_class_or_a_function_is_an_architecture_by_a_short_name(mine, name):
    assert ask_for([mine(name), "lenet", mine(name)]) == (f"mine:{name}", "lenet")
    entry = architecture(f"mine:{name}")
    assert (entry.name, entry.family, taken(entry)) == (f"mine:{name}", "other", {px: px for px in SOME_PX})
    assert entry.num_parameters == (9 + 1) * 8 + (8 + 1) * 10
    assert resized(entry, SHAPE)(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert memory_format(entry) == torch.contiguous_format
    assert (entry.weights, architecture("lenet").weights) == ("as built", "random")


def test_an_own_model_trains_by_the_recipe_for_transformers_of_its_size(mine):
    ask_for([mine("Net")])
    assert recipe_for(tasks()["digits"], architecture("mine:Net")).name == "digits_vit"


def test_a_misspelt_name_is_reported_under_the_option_that_was_typed():
    for asked, option in (("lenett", "--arch"), ("timm/resnet1888", "--arch"), ("lenett", "ARCH")):
        with pytest.raises(UserError, match=rf"^{option}: '{asked}' cannot be used"):
            ask_for([asked], option)
    with pytest.raises(UserError, match=r"^architecture: 'lenett' cannot be used"):
        architecture("lenett")


def test_what_a_model_takes_is_found_out_by_trying(mine):
    ask_for([mine("for_digits"), mine("patches"), mine("OnTheHost")])
    found = [set(taken(architecture(f"mine:{name}"))) for name in ("for_digits", "patches", "OnTheHost")]
    assert found == [{28}, {32, 224, 512, 640}, set(SOME_PX)]
    place = without_input(LatencyCase(architecture="mine:patches", px=28, batch=1), Tasks(Path()))
    takes = "mine:patches takes the sizes at which it answers, such as 32, 224, 512 px, not 28 px: "
    raised = r"it raised AssertionError: patches of 16 px do not fit 28 px \(mine\.py, line \d+, in patches\)\. "
    assert re.match(
        takes + raised + r"To have such images resized, state takes=Takes\(\.\.\.\) in an Architecture", place
    )
    with pytest.raises(UnsupportedResolution, match=takes + raised):
        architecture("mine:patches").build(InputShape(px=28, channels=1, num_classes=10))


def test_an_architecture_of_ones_own_keeps_what_it_states(mine):
    ask_for([mine("STATED")])
    entry = architecture("mine:STATED")
    assert (entry.family, taken(entry), entry.source) == ("cnn", {28: 224, 224: 224}, "a paper")
    assert resized(entry, InputShape(px=28, channels=1, num_classes=10))(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_a_rule_of_ones_own_resizes_what_does_not_fit(mine):
    ask_for([mine("RULE")])
    assert taken(architecture("mine:RULE")) == {28: 32, 32: 32, 224: 224, 512: 512, 640: 640}


def test_a_list_without_a_size_of_the_benchmarks_is_tried_at_its_own(mine):
    ask_for([mine("ONE_ODD_SIZE")])
    entry = architecture("mine:ONE_ODD_SIZE")
    assert (taken(entry), entry.model_px(96)) == ({}, 112)
    assert without_input(LatencyCase(architecture="mine:ONE_ODD_SIZE", px=96, batch=1), Tasks(Path())) == ""


@pytest.mark.parametrize(
    "name, said",
    [
        ("WRONG_RULE", "At 28 px: it raised AssertionError: patches of 16 px do not fit 40 px (mine.py, line "),
        ("TOO_MUCH", "At 28 px: it raised AssertionError: patches of 16 px do not fit 28 px (mine.py, line "),
        ("Tuple", "At 28 px: it returned a tuple: return the logits alone."),
        ("Features", "At 28 px: it returned (2, 8, 14, 14) for 2 images, not (2, 10)."),
        ("Classes", "At 28 px: it returned torch.int64 instead of floating-point numbers."),
        ("Lazy", "it has lazy layers"),
        (
            "Timm",
            "it needs img_size and in_chans, which vitcnn does not know: name them px, channels, num_classes, ",
        ),
        ("Exits", "it raised SystemExit: bye (mine.py, line "),
        ("Broken", "it raised AttributeError: 'Broken' object has no attribute 'neck' (mine.py, line "),
        ("nothing", "it returned NoneType instead of an nn.Module."),
        (
            "BUILT",
            "or an nn.Module class (each seed builds it anew). It is of type Net.",
        ),
        ("EVERYTHING", "Allowed: Broken, Classes, Exits, Features, "),
    ],
)
def test_what_is_wrong_with_a_model_is_one_error(mine, name, said):
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        ask_for([mine(name)])
    assert "\n" not in str(caught.value)


def test_a_model_that_does_not_fit_a_task_fails_where_it_is_built(mine):
    ask_for([mine("for_digits")])
    said = r"mine:for_digits cannot be used on 1 x 28 x 28 images of 62 classes: it returned \(2, 10\) for 2 images"
    with pytest.raises(CaseError, match=said):
        architecture("mine:for_digits").build(InputShape(px=28, channels=1, num_classes=62))


def test_trying_leaves_the_random_draws_as_they_were(mine):
    ask_for([mine("Net")])  # importing the file builds a model
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    ask_for([mine("OnTheHost")])
    assert torch.rand(1) == expected


def test_what_cannot_run_without_memory_is_counted_on_the_cpu(mine):
    ask_for([mine("OnTheHost")])
    assert macs(architecture("mine:OnTheHost"), SHAPE) == 16 * 16 * 8 * 27 + 8 * 10


def test_two_files_of_one_name_are_refused(mine, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.py").write_text(dedent(MINE))
    with pytest.raises(UserError, match="have the same name: rename one, or measure one after the other"):
        ask_for([mine("Net"), f"{tmp_path}/other/mine.py:Net"])


def test_the_next_command_line_knows_nothing_of_the_last(mine):
    ask_for([mine("Net")])
    ask_for(["lenet"])
    with pytest.raises(UnknownName, match=r"FILE\.py:NAME or package\.module:NAME for your own"):
        architecture("mine:Net")


def test_what_an_own_model_raises_while_it_is_measured_names_the_line(mine):
    ask_for([mine("LeftBehind")])
    entry = architecture("mine:LeftBehind")
    with torch.device("meta"):
        model = entry.build(SHAPE)
    model.scale = torch.ones(8)
    said = r"^mine:LeftBehind raised RuntimeError: .*device.* \(mine\.py, line \d+, in forward\)$"
    with pytest.raises(CaseError, match=said), own_failures(entry):
        model(torch.zeros(2, 3, 32, 32, device="meta"))


def test_what_others_raise_passes_as_it_is():
    with pytest.raises(ValueError, match=r"^mine$"), own_failures(architecture("lenet")):
        raise ValueError("mine")


def test_a_package_offers_its_own_by_its_own_name(offering, mine, tmp_path, monkeypatch):
    (tmp_path / "a_package_of_mine.py").write_text(dedent(MINE))
    monkeypatch.syspath_prepend(tmp_path)
    offering(own.GROUP, mynet="a_package_of_mine:Net")
    assert ask_for(["mynet"]) == ("mynet",)
    assert architecture("mynet").build(SHAPE)(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
    assert "mynet" not in architectures.architectures()


def test_a_package_cannot_take_a_name_of_the_catalogue(offering):
    offering(own.GROUP, lenet="no.such.module:Net")
    assert architecture("lenet").published is not None
    with pytest.raises(UserError, match=r"The package of no\.such\.module:Net registers the same name"):
        ask_for(["lenet"])


def test_a_family_that_is_none_is_refused_where_it_is_written():
    with pytest.raises(UserError, match=r"family of x: 'transformer' cannot be used\. Allowed: cnn, hybrid, other"):
        Architecture(name="x", family="transformer", builder=nn.Identity)


def test_a_file_without_a_name_asks_for_one():
    with pytest.raises(UserError, match=r"Add the name of the model in this file: models/mine\.py:NAME"):
        ask_for(["models/mine.py"])


def test_own_models_are_modules():
    assert own.is_fit(nn.Linear)
    assert not own.is_fit(nn.Module)
    assert not own.is_fit(dict)


SEQUENCES = """
    import torch
    from torch import nn
    from vitcnn import Architecture, Takes
    from vitcnn.images import holds_image

    class Sums(nn.Module):
        def __init__(self, px, channels, length):
            super().__init__()
            self.read = nn.Linear(px * px * channels, 1)
            self.length = length

        def forward(self, sequences):
            each = self.read(sequences.flatten(2))[..., 0]
            return (each * holds_image(sequences)).sum(dim=1, keepdim=True)

    def fixed(px, channels, length):
        return nn.Sequential(nn.Flatten(), nn.Linear(px * px * channels * length, 1))

    def of_length(channels, num_classes, length=4):
        return nn.Sequential(nn.AdaptiveAvgPool2d(length), nn.Flatten(), nn.Linear(channels * length**2, num_classes))

    TAKES = Takes(at_least_px=28, at_most_px=28, kind="anchor and sequence of images")
    SUMS = Architecture(name="sums", family="other", takes=TAKES, builder=Sums)
    FIXED = Architecture(name="fixed", family="other", takes=TAKES, builder=fixed, any_length=False)
    SHORT = Architecture(name="short", family="other", takes=TAKES, builder=fixed)
"""


def test_a_model_of_sequences_is_tried_on_them_and_told_their_length(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(dedent(SEQUENCES))
    ask_for([f"{path}:SUMS", f"{path}:FIXED"])
    entry, shape = architecture("mine:SUMS"), InputShape(px=28, channels=1, num_classes=1, length=11)
    assert entry.build(shape).length == 11
    assert architecture("mine:FIXED").counted_parameters == 11 * 784 + 1
    assert memory_format(entry) == torch.contiguous_format
    with pytest.raises(UserError, match=r"Built for 11 images, it was given 22: .*mat1 and mat2.* any_length=False"):
        ask_for([f"{path}:SHORT"])


def test_a_parameter_called_length_of_a_model_of_images_is_the_users_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(dedent(SEQUENCES))
    ask_for([f"{path}:of_length"])
    assert architecture("mine:of_length").counted_parameters == 16 * 10 + 10


CACHING = """
    from functools import lru_cache

    import torch
    from torch import nn


    @lru_cache
    def places(count):
        return torch.arange(count, dtype=torch.float32)


    class Net(nn.Module):
        def __init__(self, px, channels, num_classes):
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(channels * px * px, num_classes))

        def forward(self, images):
            return self.layers(images) + places(10)
"""


def test_what_a_model_caches_while_it_is_tried_without_memory_is_forgotten(tmp_path):
    (tmp_path / "caching.py").write_text(dedent(CACHING))
    (name,) = ask_for([f"{tmp_path}/caching.py:Net"])
    model = architecture(name).build(InputShape(px=28, channels=1, num_classes=10))
    assert model(torch.zeros(2, 1, 28, 28)).device.type == "cpu"
    ask_for([])
