"""Where hub weights are looked for and fetched: a cache made by hand, the hub out of reach."""

import hashlib

import pytest
from hub_builders import put_into_cache

from vitcnn.architectures import architecture, architectures, hub
from vitcnn.errors import MissingData, UserError

RESNET = architectures()["resnet50"]
CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def test_weights_in_the_cache_are_found_with_their_sum(cache):
    path = put_into_cache(cache, RESNET.hub, CONTENT)
    assert hub.are_here(RESNET)
    found = hub.hub_weights(RESNET)
    assert (found.name, found.path, found.sha256) == ("timm/resnet50.a1_in1k", path, SHA256)


def test_weights_that_are_not_here_are_said_with_the_command_that_gets_them():
    assert not hub.are_here(RESNET)
    with pytest.raises(MissingData) as caught:
        hub.hub_weights(RESNET)
    said = "weights of resnet50 are not here: run `vitcnn fetch --weights resnet50` where there is a network"
    assert str(caught.value) == said
    assert caught.value.task == ""


def test_a_link_to_nothing_is_no_file(cache):
    put_into_cache(cache, RESNET.hub, CONTENT).resolve().unlink()
    assert not hub.are_here(RESNET)


def test_a_file_whose_sum_is_not_its_blobs_name_is_damaged(cache):
    path = put_into_cache(cache, RESNET.hub, CONTENT[:-1], blob=SHA256)
    with pytest.raises(UserError) as caught:
        hub.hub_weights(RESNET)
    assert str(path) in str(caught.value)
    assert hashlib.sha256(CONTENT[:-1]).hexdigest() in str(caught.value)
    assert "Delete it, and run `vitcnn fetch --weights resnet50`" in str(caught.value)


def test_where_the_cache_names_no_sum_none_is_checked(cache):
    put_into_cache(cache, RESNET.hub, CONTENT, blob="an-etag-that-is-no-sum")
    assert hub.hub_weights(RESNET).sha256 == SHA256


def test_fetch_leaves_sound_weights_alone(cache, monkeypatch):
    put_into_cache(cache, RESNET.hub, CONTENT)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_args, **_kwargs: pytest.fail("downloads"))
    assert hub.fetch(RESNET).sha256 == SHA256


@pytest.mark.parametrize("damaged_before", [False, True])
def test_fetch_downloads_what_is_missing_or_damaged(cache, monkeypatch, damaged_before):
    asked = []

    def download(name, file, *, force_download):
        asked.append((name, file, force_download))
        path = cache / f"models--timm--{RESNET.hub}" / "snapshots"
        for link in path.rglob(file):
            link.unlink()
        put_into_cache(cache, RESNET.hub, CONTENT)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    if damaged_before:
        put_into_cache(cache, RESNET.hub, CONTENT[:-1], blob=SHA256)
    assert hub.fetch(RESNET).sha256 == SHA256
    assert asked == [("timm/resnet50.a1_in1k", "model.safetensors", damaged_before)]


def test_fetch_out_of_reach_of_the_hub_is_one_line():
    with pytest.raises(MissingData, match=r"^weights of resnet50 cannot be downloaded: timm/resnet50.a1_in1k: .+$"):
        hub.fetch(RESNET)


@pytest.mark.parametrize("use", [hub.are_here, hub.hub_weights, hub.fetch])
def test_an_architecture_without_weights_on_the_hub_is_refused(use):
    with pytest.raises(UserError, match="weights: 'lenet' cannot be used"):
        use(architectures()["lenet"])


def test_timm_models_have_timms_default_weights():
    assert hub.repository(architecture("timm/resnet50")).startswith("timm/resnet50.")
    tagged = "timm/vit_tiny_patch16_224.augreg_in21k"
    assert hub.repository(architecture(tagged)) == tagged
