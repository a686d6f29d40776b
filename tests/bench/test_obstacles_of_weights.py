"""What keeps a case from starting with its weights, and which weights are refused before anything runs."""

import pytest
import torch
from safetensors.torch import save

from vitcnn import AdaptationCase
from vitcnn.bench.obstacles import obstacle, require_weights
from vitcnn.errors import UnknownName, UserError
from vitcnn.tasks import Tasks


@pytest.fixture(autouse=True)
def tasks(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return Tasks(tmp_path)


def starting_from(weights, architecture="lenet", task="digits"):
    recipe = f"transfer_head_cnn,weights={weights}"
    return AdaptationCase(architecture=architecture, task=task, recipe=recipe, adaptation="head")


@pytest.mark.parametrize(
    "case, said",
    [
        (starting_from("random"), ""),
        (starting_from("glyphs62"), ""),
        (starting_from("mnist"), "mnist is not under {root}: run `vitcnn fetch mnist` where there is a network"),
        (starting_from("hub"), "lenet has no weights on the hub: name others, or another architecture"),
        (
            starting_from("glyphs62", task="shapes"),
            "images of shapes have 3 channels and those of glyphs62 1: name others, such as --weights shapes",
        ),
        (starting_from("shapes", task="shapes"), ""),
        (
            starting_from("hub", "resnet50"),
            "weights of resnet50 are not here: run `vitcnn fetch --weights resnet50` where there is a network",
        ),
    ],
    ids=str,
)
def test_a_case_is_skipped_where_its_weights_or_their_data_are_not_here(case, said, cpu, tasks):
    assert obstacle(case, cpu, tasks) == said.format(root=tasks.data_root)


@pytest.mark.parametrize("value", ["random", "hub", "glyphs62", "shapes", "mnist"])
def test_known_weights_pass(value, tasks):
    require_weights("--weights", value, tasks)


@pytest.mark.parametrize("value, nearest", [("glyph62", "glyphs62"), ("hup", ""), ("digit_sum_digits", "")])
def test_unknown_weights_offer_the_nearest_task(value, nearest, tasks):
    with pytest.raises(UnknownName, match=r"^--weights: .*, random, hub, file:PATH\. ") as caught:
        require_weights("--weights", value, tasks)
    assert nearest in str(caught.value).partition("random, hub, file:PATH. ")[2]


def whole():
    return save({"fc.weight": torch.zeros(2, 3)})


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "a safetensors file that is there"),
        (whole()[:-2], "a whole safetensors file ("),
        (whole()[:20], "a whole safetensors file ("),
        (b"", "a whole safetensors file ("),
        (b"\x80\x02}q\x00.", "safetensors alone, since a pickle can run code when it is loaded"),
        (b"PK\x03\x04...", "safetensors alone, since a zip file of torch.save can run code when it is loaded"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_error(content, said, tasks, tmp_path):
    path = tmp_path / "mine.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        require_weights("--weights", f"file:{path}", tasks)
    assert str(caught.value).startswith(f"--weights: '{path}' cannot be used. Allowed: {said}")
    assert "\n" not in str(caught.value)


def test_a_whole_file_passes(tasks, tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(whole())
    require_weights("--weights", f"file:{tmp_path}/mine.safetensors", tasks)
