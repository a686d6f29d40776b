"""`vitcnn tile`, in this process, on pictures and videos that are made here."""

import json
import os
import resource
import shutil
import signal
import sys
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import timm
import torch
from hub_builders import put_into_cache
from PIL import Image
from safetensors.torch import save, save_file
from sklearn.datasets import load_sample_image
from timm.data import ImageNetInfo

from vitcnn import recipes
from vitcnn.adaptation.files import load_adapted
from vitcnn.architectures import architecture
from vitcnn.cli import main
from vitcnn.commands.tile import work as tile_work
from vitcnn.spec import Data, InputShape, Split
from vitcnn.tasks import Tasks

WEIGHTS = os.environ.get("VITCNN_TEST_WEIGHTS", "")
WHY = "VITCNN_TEST_WEIGHTS names no folder of pretrained weights: make one with tools/pretrained_weights.py"
NUM_CLASSES = 3
PX = 32


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("VITCNN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    yield
    recipes.ask_for([])


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture
def weights():
    """Weights of a small CNN for colour images of 32 px and three classes, and the module that holds them."""
    torch.manual_seed(0)
    model = architecture("lenet").build(InputShape(px=PX, channels=3, num_classes=NUM_CLASSES)).eval()
    save_file(model.state_dict(), "mine.safetensors")
    return model


def tile(given, *options, arch="lenet", weights="file:mine.safetensors", out="out", px=PX):
    chosen = ["--arch", arch, "--weights", weights] if arch else []
    return main(["tile", str(given), *chosen, "--tile", str(px), "--device", "cpu", "--out", out, *options])


def results(name, out="out"):
    return json.loads((Path(out) / f"{name}.json").read_text(encoding="utf-8"))


@torch.no_grad()
def scores_of(model, tiles):
    """Return what a model answers to tiles, uint8 (count, height, width, 3), by torch alone."""
    return model(torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2) / 127.5 - 1).softmax(dim=1).numpy()


def written_scores(tiles, num_classes=NUM_CLASSES):
    """Return the scores that a JSON holds of tiles, (tiles, classes); it must hold those of all classes."""
    found = np.full((len(tiles), num_classes), np.nan)
    for row, entry in enumerate(tiles):
        for one in entry["top"]:
            found[row, one["class"]] = one["score"]
    return found


def test_an_image_gives_an_overlay_and_a_json_of_what_the_model_says_of_its_tiles(weights, capsys):
    image = noise(50, 71)
    Image.fromarray(image).save("a.png")
    Path("names.txt").write_text("cat\ndog\nhörse\n", encoding="utf-8")
    assert tile("a.png", "--overlap", "0.25", "--classes", "names.txt", "--batch", "4") == 0
    found = results("a.png")
    assert found["input"] == {"file": "a.png", "kind": "image", "width": 71, "height": 50}
    # a stride of 24 px, the last tile shifted inwards
    assert found["grid"] == {"tile_px": 32, "tops": [0, 18], "lefts": [0, 24, 39], "tiles": 6}
    corners = [(top, left) for top in (0, 18) for left in (0, 24, 39)]
    (frame,) = found["frames"]
    assert [entry["box"] for entry in frame["tiles"]] == [[x, y, x + 32, y + 32] for y, x in corners]
    expected = scores_of(weights, [image[y : y + 32, x : x + 32] for y, x in corners])
    np.testing.assert_allclose(written_scores(frame["tiles"]), expected, atol=2e-6)
    logits = torch.from_numpy(expected).log()  # up to a constant for each tile, which changes no mean's softmax
    answer = logits.mean(dim=0).softmax(dim=0).numpy()
    by_class = {entry["class"]: entry["score"] for entry in frame["answer"]}
    np.testing.assert_allclose([by_class[n] for n in range(3)], answer, atol=2e-6)
    assert {entry["name"] for entry in frame["answer"]} == {"cat", "dog", "hörse"}
    settings = found["settings"]
    assert (settings["architecture"], settings["weights"]) == ("lenet", "file:mine.safetensors")
    assert len(settings["weights_sha256"]) == 64
    assert (settings["tile_px"], settings["overlap"], settings["batch"]) == (32, 0.25, 4)
    assert set(found["timings_s"]) == {"decode", "copy", "forward", "blend", "write"}
    assert found["status"] == "whole"
    with Image.open("out/a.png.overlay.png") as overlay:
        assert overlay.width == 71 * 10 + 0, "10 times as large: ten times its longer side is more than 640 px"
        assert overlay.height > 50 * 10
    out = capsys.readouterr().out
    assert "a.png" in out.splitlines()[2]
    assert "lie in out." in out.splitlines()[-1]
    assert {path.name for path in Path("out").iterdir()} == {"a.png.json", "a.png.overlay.png"}


@pytest.mark.parametrize("how", ["max", "logsumexp"])
def test_the_frames_answer_may_come_otherwise_from_its_tiles(how, weights):
    image = noise(32, 64)
    Image.fromarray(image).save("a.png")
    assert tile("a.png", "--overlap", "0", "--frame-by", how) == 0
    with torch.no_grad():
        tiles = torch.from_numpy(np.stack([image[:, :32], image[:, 32:]])).permute(0, 3, 1, 2) / 127.5 - 1
        logits = weights(tiles)
    expected = (logits.amax(dim=0) if how == "max" else logits.exp().sum(dim=0).log()).softmax(dim=0)
    found = {entry["class"]: entry["score"] for entry in results("a.png")["frames"][0]["answer"]}
    np.testing.assert_allclose([found[n] for n in range(3)], expected, atol=2e-6)


def test_a_bad_file_in_a_folder_is_named_and_the_rest_goes_on(weights, capsys):
    Path("photos").mkdir()
    for name in ("10.png", "2.png"):
        Image.fromarray(noise(40, 40)).save(f"photos/{name}")
    Path("photos/3.png").write_bytes(Path("photos/2.png").read_bytes()[:300])
    assert tile("photos") == 1
    said = capsys.readouterr()
    assert "photos/3.png" in said.err
    assert "truncated" in said.err
    rows = [line.split()[0] for line in said.out.splitlines() if ".png" in line]
    assert rows == ["2.png", "10.png"]
    assert "2 of 3 inputs are whole" in said.out
    assert {path.name for path in Path("out").glob("*.json")} == {"2.png.json", "10.png.json"}


def test_a_frame_smaller_than_a_tile_is_padded(weights):
    image = noise(20, 24)
    Image.fromarray(image).save("a.png")
    assert tile("a.png") == 0
    found = results("a.png")
    (entry,) = found["frames"][0]["tiles"]
    assert entry["box"] == [0, 0, 24, 20]
    padded = np.full((32, 32, 3), 127.5)
    padded[6:26, 4:28] = image
    np.testing.assert_allclose(written_scores([entry]), scores_of(weights, [padded.astype(np.float32)]), atol=2e-6)


def test_a_dense_map_says_which_class_is_where(capsys):
    Image.fromarray(noise(256, 300)).save("a.png")
    assert tile("a.png", "--output", "dense", arch="resnet18", weights="random", px=64) == 0
    assert "the weights are random, so the scores and classes mean nothing" in capsys.readouterr().err
    found = results("a.png")["frames"][0]["map"]
    assert len(found) == 12, "of 1,000 classes those that some tile is surest of"
    shares = [entry["share"] for entry in found]
    assert shares == sorted(shares, reverse=True)
    with Image.open("out/a.png.classes.png") as numbers:
        counts = np.bincount(np.asarray(numbers).ravel(), minlength=12)
    np.testing.assert_allclose(counts / (256 * 300), shares, atol=1e-6)
    sure = {entry["class"] for row in results("a.png")["frames"][0]["tiles"] for entry in row["top"][:1]}
    assert len(sure & {entry["class"] for entry in found}) > 0


def test_a_dense_map_may_lie_in_a_file_while_it_is_made(monkeypatch):
    Image.fromarray(noise(64, 70)).save("a.png")
    options = ["--output", "dense", "--overlap", "0.5"]
    assert tile("a.png", *options, arch="resnet18", weights="random", px=32) == 0
    monkeypatch.setattr("vitcnn.commands.tile.look.spare_bytes", lambda _device: 0)
    assert tile("a.png", *options, arch="resnet18", weights="random", px=32, out="other") == 0
    assert results("a.png")["frames"] == results("a.png", "other")["frames"]
    assert {path.name for path in Path("other").iterdir()} == {path.name for path in Path("out").iterdir()}


def test_a_model_without_a_feature_map_has_no_dense_map(weights, capsys):
    Image.fromarray(noise(40, 40)).save("a.png")
    assert tile("a.png", "--output", "dense") == 2
    assert "dense output of" in capsys.readouterr().err


def test_the_class_of_the_heat_map_can_be_chosen(weights, capsys):
    Image.fromarray(noise(40, 40)).save("a.png")
    Path("names.txt").write_text("cat\ndog\nhorse")
    shown = []
    for number, name in enumerate(["cat", "Dog", "2"]):
        assert tile("a.png", "--classes", "names.txt", "--class", name, out=f"out{number}") == 0
        shown.append(np.asarray(Image.open(f"out{number}/a.png.overlay.png")))
    assert not any(np.array_equal(one, other) for one, other in pairwise(shown))
    assert tile("a.png", "--classes", "names.txt", "--class", "cow", out="none") == 2
    assert "--class: 'cow' cannot be used" in capsys.readouterr().err


def clip(path, count=6, height=40, width=60):
    """Encode a video with PyAV alone; return its frames as they are decoded again."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(noise(height, width, number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return decoded(path)


def decoded(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_video_gives_a_video_and_the_json_of_its_frames(weights, capsys):
    frames = clip("a.mp4")
    assert tile("a.mp4", "--overlap", "0") == 0
    found = results("a.mp4")
    assert found["input"] == {
        "file": "a.mp4",
        "kind": "video",
        "width": 60,
        "height": 40,
        "frames_per_second": 10.0,
    }
    assert (found["num_frames"], found["status"]) == (6, "whole")
    assert [frame["time_s"] for frame in found["frames"]] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    for frame, entry in zip(frames, found["frames"], strict=True):
        tiles = [frame[y : y + 32, x : x + 32] for y in (0, 8) for x in (0, 28)]
        np.testing.assert_allclose(written_scores(entry["tiles"]), scores_of(weights, tiles), atol=2e-6)
    drawn = decoded("out/a.mp4.overlay.mp4")
    assert len(drawn) == 6
    assert drawn[0].shape[1] == 660, "11 times as large"
    out = capsys.readouterr().out
    assert out.split()[:4] == ["input", "size", "tiles", "frames"]
    assert "The answer is that of a video's last frame" in out


@pytest.fixture
def interrupted(monkeypatch):
    """Press Ctrl-C while the fourth frame is looked at."""
    look = tile_work.Look.__call__
    seen = []

    def call(self, frame):
        seen.append(frame)
        if len(seen) == 4:
            signal.raise_signal(signal.SIGINT)
        return look(self, frame)

    monkeypatch.setattr(tile_work.Look, "__call__", call)


def test_ctrl_c_in_a_video_leaves_what_was_done(interrupted, weights, capsys):
    clip("a.mp4", count=20)
    assert tile("a.mp4") == 130
    found = results("a.mp4")
    assert (found["num_frames"], len(found["frames"])) == (3, 3)
    assert found["status"] == "a.mp4 was interrupted after 3 frames"
    assert len(decoded("out/a.mp4.overlay.mp4")) == 3
    assert {path.name for path in Path("out").iterdir()} == {"a.mp4.json", "a.mp4.overlay.mp4"}
    said = capsys.readouterr()
    assert "interrupted after 3 frames" in said.err
    assert "a.mp4" in said.out


def test_ctrl_c_while_a_frame_is_written_waits_until_it_is(monkeypatch, weights):
    overlay = tile_work.Work.overlay
    drawn = []

    def draw(self, frame, seen):
        drawn.append(frame)
        if len(drawn) == 4:
            signal.raise_signal(signal.SIGINT)
        return overlay(self, frame, seen)

    monkeypatch.setattr(tile_work.Work, "overlay", draw)
    clip("a.mp4", count=20)
    assert tile("a.mp4") == 130
    assert len(results("a.mp4")["frames"]) == len(decoded("out/a.mp4.overlay.mp4")) == 4


def test_ctrl_c_before_the_first_frame_leaves_nothing(monkeypatch, weights, capsys):
    monkeypatch.setattr(tile_work.Look, "__call__", lambda *_: signal.raise_signal(signal.SIGINT))
    clip("a.mp4")
    assert tile("a.mp4") == 130
    assert not Path("out").exists()
    assert capsys.readouterr().out == ""


def test_ctrl_c_in_a_folder_leaves_the_pictures_that_were_done(interrupted, weights, capsys):
    Path("photos").mkdir()
    for number in range(5):
        Image.fromarray(noise(40, 40, number)).save(f"photos/{number}.png")
    assert tile("photos") == 130
    assert {path.name for path in Path("out").glob("*.json")} == {"0.png.json", "1.png.json", "2.png.json"}
    assert "interrupted" in capsys.readouterr().err


def test_a_video_that_is_cut_off_keeps_its_frames_and_is_a_failure(weights, capsys):
    clip("a.mkv", count=20)
    content = Path("a.mkv").read_bytes()
    Path("a.mkv").write_bytes(content[: len(content) // 2])
    assert tile("a.mkv") == 1
    found = results("a.mkv")
    assert 3 < found["num_frames"] < 16
    assert "it is cut off" in found["status"]
    assert len(decoded("out/a.mkv.overlay.mp4")) == found["num_frames"]
    assert "it is cut off" in capsys.readouterr().err


@pytest.fixture
def little_room():
    """Files of this process may have 30 kB at most: the system itself refuses more, as where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["b.png", "b.mp4"])
def test_where_there_is_no_room_one_error_names_the_file_and_no_part_of_it_stays(name, little_room, weights, capsys):
    if name.endswith("mp4"):
        clip(name, count=40)
    else:
        Image.fromarray(noise(90, 90)).save(name)
    little_room()
    assert tile(name) == 1
    error = capsys.readouterr().err
    assert f"out/{name}." in error
    assert "cannot be written: File too large" in error
    assert error.count("\n") == 1
    assert not list(Path("out").iterdir())


def test_what_was_written_before_the_room_ended_stays(little_room, weights, capsys):
    Path("photos").mkdir()
    Image.fromarray(np.zeros((40, 40, 3), dtype=np.uint8)).save("photos/a.png")
    Image.fromarray(noise(400, 400)).save("photos/b.png")
    little_room()
    assert tile("photos") == 1
    assert {path.name for path in Path("out").iterdir()} == {"a.png.json", "a.png.overlay.png"}
    said = capsys.readouterr()
    assert "out/b.png.overlay.png cannot be written" in said.err
    assert "1 of 2 inputs are whole" in said.out


@pytest.mark.parametrize(
    "given, options, status, said",
    [
        ("a.png", ["--overlap", "1"], 2, "--overlap: 1.0 cannot be used. Allowed: shares from 0, below 1"),
        ("a.png", ["--overlap", "-0.1"], 2, "--overlap: -0.1 cannot be used"),
        ("a.png", ["--overlap", "nan"], 2, "--overlap: nan cannot be used"),
        ("a.png", ["--overlap", "0.99"], 2, "--overlap: 0.99 cannot be used"),
        ("a.png", ["--tile", "0"], 2, "--tile: 0 cannot be used"),
        ("a.png", ["--batch", "0"], 2, "--batch: 0 cannot be used"),
        ("a.png", ["--batch", "many"], 2, "--batch: 'many' cannot be used"),
        ("a.png", ["--tile", "30"], 2, "The nearest sizes that work: 28 px and 32 px."),
        ("a.png", ["--arch", "vit_tiny", "--weights", "random", "--tile", "500"], 2, "496 px and 512 px"),
        ("a.png", ["--arch", "resnet50", "--weights", "hub", "--tile", "224"], 1, "vitcnn fetch --weights resnet50"),
        ("a.png", ["--arch", "sum_attention"], 2, "takes a sequence of images as one input, not an image"),
        ("a.png", ["--arch", "lene"], 2, "Did you mean lenet"),
        ("a.png", ["--weights", "hub"], 2, "architectures with weights on the hub"),
        ("a.png", ["--weights", "digits"], 2, "--weights: 'digits' cannot be used. Allowed: random, hub, or file:PATH"),
        ("a.png", ["--weights", "file:nowhere"], 2, "a safetensors file that is there"),
        ("a.png", ["--weights", "file:a.png"], 2, "a whole safetensors file"),
        ("a.png", ["--weights", "file:headless.safetensors"], 2, "is not in it"),
        ("a.png", ["--weights", "file:narrow.safetensors"], 2, "not (6, 3, 5, 5)"),
        (
            "a.png",
            ["--classes", "two.txt"],
            2,
            "a file with a name on each line for the 3 classes of the weights. This file has 2 names.",
        ),
        ("a.png", ["--classes", "gap.txt"], 2, "Line 2 is empty."),
        ("a.png", ["--classes", "a.png"], 2, "a text file in UTF-8"),
        ("a.png", ["--device", "tpu"], 2, "'tpu' cannot be used"),
        ("a.png", ["--out", "full"], 2, "--out: 'full' cannot be used. Allowed: a folder that is absent or empty"),
        ("nowhere.png", [], 2, "INPUT: 'nowhere.png' cannot be used"),
        ("empty", [], 2, "INPUT: 'empty' cannot be used. Allowed: a folder with images in it"),
        ("two.txt", [], 2, "not an image of a format that Pillow knows"),
        ("none.mp4", [], 2, "a whole video"),
    ],
)
def test_what_cannot_be_used_is_one_error_and_nothing_is_written(given, options, status, said, weights, capsys):
    Image.fromarray(noise(40, 40)).save("a.png")
    Path("two.txt").write_text("cat\ndog\n")
    Path("gap.txt").write_text("cat\n\ndog\n")
    Path("none.mp4").write_bytes(b"no video")
    state = weights.state_dict()
    head = list(state)[-2:]
    save_file({name: tensor for name, tensor in state.items() if name not in head}, "headless.safetensors")
    narrow = {name: tensor[:5].clone() if tensor.ndim == 4 else tensor for name, tensor in state.items()}
    save_file(narrow, "narrow.safetensors")
    for name in ("empty", "full"):
        Path(name).mkdir()
    Path("full/kept").touch()
    before = sorted(path.name for path in Path().rglob("*"))
    assert tile(given, *options) == status
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in Path().rglob("*")) == before


def test_without_a_model_it_says_how_to_name_one(capsys):
    Image.fromarray(noise(40, 40)).save("a.png")
    assert main(["tile", "a.png", "--out", "out"]) == 2
    assert "Name an architecture and its weights, or a folder of `vitcnn adapt`" in capsys.readouterr().err


def test_the_hubs_weights_answer_in_the_classes_of_imagenet(tmp_path):
    entry = architecture("resnet18")
    torch.manual_seed(7)
    put_into_cache(tmp_path / "hub", entry.hub, save(timm.create_model(entry.hub).state_dict()))
    Image.fromarray(noise(40, 40)).save("a.png")
    assert tile("a.png", arch="resnet18", weights="hub", px=64) == 0
    found = results("a.png")
    (best,) = found["frames"][0]["answer"][:1]
    names = ImageNetInfo("imagenet-1k")
    assert best["name"] == names.index_to_description(best["class"]).split(",")[0]
    assert (found["settings"]["weights"], found["settings"]["hub"]) == ("hub", f"timm/{entry.hub}")


def test_the_batch_may_be_chosen_by_the_free_memory(weights):
    Image.fromarray(noise(40, 40)).save("a.png")
    assert tile("a.png", "--batch", "auto") == 0
    assert 1 <= results("a.png")["settings"]["batch"] <= 8


def test_images_need_no_pyav(monkeypatch, weights, capsys):
    monkeypatch.setitem(sys.modules, "av", None)
    Image.fromarray(noise(40, 40)).save("a.png")
    assert tile("a.png") == 0
    Path("a.mp4").touch()
    assert tile("a.mp4", out="other") == 1
    assert 'pip install "vitcnn[video]"' in capsys.readouterr().err


def test_a_tile_that_would_be_enlarged_is_said(capsys):
    Image.fromarray(noise(40, 40)).save("a.png")
    assert tile("a.png", arch="resnet18", weights="random", px=20) == 0
    said = "tiles of 20 px are enlarged to 28 px, the size at which resnet18 works on them"
    assert said in capsys.readouterr().err


def test_weights_of_grey_images_are_given_grey_tiles():
    torch.manual_seed(0)
    model = architecture("lenet").build(InputShape(px=28, channels=1, num_classes=4)).eval()
    save_file(model.state_dict(), "grey.safetensors")
    image = noise(28, 28)
    Image.fromarray(image).save("a.png")
    assert tile("a.png", weights="file:grey.safetensors", px=28) == 0
    grey = np.asarray(Image.fromarray(image).convert("L"))[..., None]
    expected = np.sort(scores_of(model, [grey])[0])[::-1]
    answer = [entry["score"] for entry in results("a.png")["frames"][0]["answer"]]
    np.testing.assert_allclose(answer, expected, atol=2e-6)


@pytest.fixture
def few_digits(monkeypatch):
    whole = Tasks.data

    def data(self, name, progress):
        digits = whole(self, name, progress)
        parts = (Split(images=p.images[:64], labels=p.labels[:64]) for p in (digits.train, digits.test))
        return Data(**dict(zip(("train", "test"), parts, strict=True)))

    monkeypatch.setattr(Tasks, "data", data)


@pytest.mark.parametrize(
    "px, said", [(28, ""), (40, "tiles of 40 px are shrunk to 28 px, at which the model was adapted")]
)
def test_an_adapted_model_answers_in_the_classes_of_its_task(px, said, few_digits, capsys):
    options = ["--method", "full", "--weights", "random", "--recipe", "transfer_full_cnn,epochs=1", "--device", "cpu"]
    assert main(["adapt", "lenet", "--task", "digits", "--out", "adapted", *options]) == 0
    image = noise(px, 2 * px)
    Image.fromarray(image).save("a.png")
    capsys.readouterr()
    assert tile("a.png", "--adapted", "adapted", "--overlap", "0", arch="", px=px) == 0
    assert said in capsys.readouterr().err
    grey = np.asarray(Image.fromarray(image).convert("L"))
    tiles = torch.from_numpy(np.stack([grey[:, :px], grey[:, px:]])[:, None]) / 127.5 - 1
    if px != 28:
        tiles = torch.nn.functional.interpolate(tiles, size=28, mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = load_adapted("adapted")(tiles).softmax(dim=1)
    for row, entry in zip(expected, results("a.png")["frames"][0]["tiles"], strict=True):
        best = row.topk(3)
        assert [one["class"] for one in entry["top"]] == best.indices.tolist()
        assert [one["name"] for one in entry["top"]] == [str(n) for n in best.indices.tolist()]
        np.testing.assert_allclose([one["score"] for one in entry["top"]], best.values, atol=2e-6)
    settings = results("a.png")["settings"]
    assert (settings["weights"], settings["adaptation"], settings["adapted_to"]) == (
        "adapted:adapted",
        "full",
        "digits",
    )


def test_the_file_that_an_adaptation_started_from_must_be_named(few_digits, capsys):
    state = architecture("lenet").build(InputShape(px=28, channels=1, num_classes=10)).state_dict()
    save_file(state, "base.safetensors")
    options = ["--method", "head", "--weights", "file:base.safetensors", "--device", "cpu", "--out", "adapted"]
    assert main(["adapt", "lenet", "--task", "digits", "--recipe", "transfer_head_cnn,epochs=1", *options]) == 0
    Image.fromarray(noise(28, 28)).save("a.png")
    capsys.readouterr()
    for chosen, said in (
        (["--adapted", "adapted"], "Training started from base.safetensors, which is not in the folder"),
        (["--adapted", "adapted", "--weights", "hub"], "--weights: 'hub' cannot be used. Allowed: file:PATH"),
        (["--adapted", "."], "--adapted: '.' cannot be used"),
    ):
        assert tile("a.png", *chosen, arch="", px=28) == 2
        assert said in capsys.readouterr().err
    assert tile("a.png", "--adapted", "adapted", "--weights", "file:base.safetensors", arch="", px=28) == 0
    assert results("a.png")["settings"]["started_from"] == "file:base.safetensors"


pretrained = pytest.mark.skipif(not WEIGHTS, reason=WHY)


@pretrained
@pytest.mark.parametrize("photograph, named", [("china", "palace"), ("flower", "daisy")])
def test_really_pretrained_weights_name_a_real_photograph(photograph, named):
    image = Image.fromarray(load_sample_image(f"{photograph}.jpg"))
    image.resize((336, 224)).save("a.jpg", quality=95)
    shutil.copy(Path(WEIGHTS) / "tf_efficientnet_lite0.safetensors", "lite0.safetensors")
    options = {"arch": "timm/tf_efficientnet_lite0", "weights": "file:lite0.safetensors", "px": 224}
    assert tile("a.jpg", "--overlap", "0.5", **options) == 0
    found = results("a.jpg")
    assert found["settings"]["num_classes"] == 1000
    tops = {one["name"] for entry in found["frames"][0]["tiles"] for one in entry["top"]}
    assert named in tops
    assert named in [one["name"] for one in found["frames"][0]["answer"]]
