from dataclasses import replace

import pytest
import timm
import torch

from vitcnn.architectures import any_timm, architecture
from vitcnn.architectures.any_timm import is_timm
from vitcnn.architectures.timm_families import BEGINNINGS, MODULES, OF_MODULES
from vitcnn.architectures.timm_sizes import timm_takes
from vitcnn.errors import UnknownName
from vitcnn.inference import resized
from vitcnn.spec import InputShape

FAMILIES = {
    "mobilenetv3_small_100": "cnn",
    "convnext_atto": "cnn",
    "vit_tiny_patch16_224": "vit",
    "swin_tiny_patch4_window7_224": "vit",
    "coatnet_0_rw_224": "hybrid",
}
MORE = {
    "hiera_tiny_224": "vit",
    "mixer_b16_224": "other",
    "edgenext_small": "hybrid",
    "resnet50_clip": "cnn",
    "caformer_s18": "hybrid",
    "poolformer_s12": "other",
    "convformer_s18": "cnn",
    "mobilenetv4_hybrid_medium": "hybrid",
    "mobilenetv4_conv_small": "cnn",
    "vit_base_r50_s16_224": "hybrid",
    "deit_tiny_patch16_224": "vit",
}


@pytest.mark.parametrize("name, family", [*FAMILIES.items(), *MORE.items()])
def test_the_family_is_what_the_paper_says(name, family):
    assert architecture(f"timm/{name}").family == family


def test_every_module_of_timm_has_one_family():
    listed = [module for modules in MODULES.values() for module in modules.split()]
    assert len(listed) == len(set(listed))
    assert set(timm.list_modules()) <= set(listed), "a newer timm: say in timm_families what its modules are"


def test_each_beginning_names_models_of_a_module_of_another_family():
    for beginning, family in BEGINNINGS.items():
        names = timm.list_models(f"{beginning}*")
        assert names
        modules = {timm.model_entrypoint(name).__module__.rpartition(".")[2] for name in names}
        assert family not in {OF_MODULES[module] for module in modules}


@pytest.mark.parametrize("name, family", FAMILIES.items())
def test_a_model_of_a_module_that_is_not_listed_is_guessed_by_its_layers(name, family, monkeypatch):
    monkeypatch.setattr(any_timm, "timm_family", lambda *_: None)
    assert any_timm.any_timm_model(f"timm/{name}").family == family


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("px, channels", [(28, 1), (32, 3), (224, 3), (512, 3)])
def test_forward_gives_a_logit_for_each_class_at_every_resolution(name, px, channels):
    entry = architecture(f"timm/{name}")
    with torch.device("meta"), torch.no_grad():
        model = resized(entry, InputShape(px=px, channels=channels, num_classes=7)).eval()
        logits = model(torch.empty(2, channels, px, px))
    assert logits.shape == (2, 7)


def test_small_images_are_resized_to_the_models_own_resolution_inside_the_model():
    entry = architecture("timm/mobilenetv3_small_100")
    assert entry.model_px(28) == entry.model_px(32) == 224
    model = resized(entry, InputShape(px=28, channels=1, num_classes=10)).eval()
    seen = []
    model[1].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].shape))
    with torch.no_grad():
        assert model(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    assert seen == [(2, 1, 224, 224)]


def test_a_model_of_fixed_size_is_built_for_512_px():
    model = architecture("timm/vit_tiny_patch16_224").build(InputShape(px=512, channels=3, num_classes=10))
    assert model.patch_embed.num_patches == 32 * 32


def test_name_and_source_say_which_timm_model():
    entry = architecture("timm/mobilenetv3_small_100")
    assert entry.name == "timm/mobilenetv3_small_100"
    assert "mobilenetv3_small_100" in entry.source
    assert entry.published is None


@pytest.mark.parametrize(
    "ours, timms",
    [
        ("resnet50", "resnet50"),
        ("efficientnet_b0", "efficientnet_b0"),
        ("convnext_tiny", "convnext_tiny"),
        ("hrnet_w18", "hrnet_w18"),
        ("vit_small", "vit_small_patch16_224"),
        ("swin_tiny", "swin_tiny_patch4_window7_224"),
        ("vit_hybrid", "vit_small_r26_s32_224"),
        ("coatnet_0", "coatnet_0_rw_224"),
    ],
)
def test_what_trying_finds_is_what_the_catalogue_states_of_the_same_model(ours, timms):
    found, stated = architecture(f"timm/{timms}").takes, architecture(ours).takes
    assert replace(found, enlarged_to_px=None) == stated
    assert found.enlarged_to_px in (None, 224)


@pytest.mark.parametrize(
    "name, words",
    [
        ("vit_small_patch14_dinov2", "multiples of 14 px from 224 px on; smaller images are enlarged to 518 px"),
        ("halonet26t", "multiples of 256 px from 256 px on"),  # blocks of 8 in maps of a 32nd
        ("crossvit_tiny_240", "240 px"),  # patches of 12 and 16 px in images of 240 and 224 px
        ("csatv2", "224 px and multiples of 64 px from 256 px on; smaller images are enlarged to 512 px"),
        ("test_resnet", "every size from 160 px on"),
    ],
)
def test_a_step_is_what_patches_strides_and_windows_ask_for(name, words):
    assert architecture(f"timm/{name}").takes.words == words


@pytest.mark.parametrize("px, model_px", [(28, 518), (224, 224), (512, 518), (518, 518), (640, 644)])
def test_a_vit_of_14_px_patches_answers_at_every_size(px, model_px):
    entry = architecture("timm/vit_small_patch14_dinov2")
    assert entry.model_px(px) == model_px
    with torch.device("meta"), torch.no_grad():
        assert resized(entry, InputShape(px=px, channels=1, num_classes=7))(torch.empty(1, 1, px, px)).shape == (1, 7)


def test_a_model_that_answers_nowhere_else_is_given_its_own_size():
    def build(shape):
        if shape.px != 96:
            raise ValueError(shape.px)
        return torch.nn.Linear(96, 7)

    assert timm_takes(build, native_px=96, fixed_px=True).words == "96 px"


def test_trying_leaves_the_random_draws_as_they_were():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    any_timm.any_timm_model("timm/test_resnet")
    assert torch.rand(1) == expected


@pytest.mark.parametrize(
    "misspelt, nearest",
    [("timm/resnet18x", "timm/resnet18"), ("timm/mobilenetv3_smal_100", "timm/mobilenetv3_small_100")],
)
def test_a_misspelt_name_offers_the_nearest(misspelt, nearest):
    with pytest.raises(UnknownName) as caught:
        architecture(misspelt)
    assert nearest in str(caught.value).partition("Did you mean ")[2]


@pytest.mark.parametrize("name, expected", [("timm/resnet18", True), ("resnet18", False), ("mytimm/x", False)])
def test_only_names_below_timm_are_timm_models(name, expected):
    assert is_timm(name) is expected


def test_a_model_that_a_user_registers_with_timm_is_one_of_the_users_own(monkeypatch):
    def mine(**options):
        return timm.create_model("convnext_atto", **options)

    monkeypatch.setitem(timm.models._registry._model_entrypoints, "mine_atto", mine)
    assert architecture("timm/mine_atto").file == __file__
    assert architecture("timm/convnext_atto").file == ""
