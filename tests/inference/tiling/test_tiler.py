import copy

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from monai.inferers import sliding_window_inference
from torch import nn

from vitcnn.device import peak_bytes
from vitcnn.errors import UserError
from vitcnn.images import normalize
from vitcnn.inference import Tiler, tiled
from vitcnn.inference.tiling import Timings


def random_frame(height, width, channels=3):
    return torch.randint(0, 256, (channels, height, width), dtype=torch.uint8)


@pytest.fixture(scope="module")
def of_pixels():
    """A model of every pixel, which sees a neighbourhood of 5 x 5."""
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1)
    return nn.Sequential(*layers).eval().requires_grad_(False)


class Probe(nn.Module):
    """Answers the mean and one pixel of each tile, and notes the batches that it is given."""

    def __init__(self):
        super().__init__()
        self.given = []

    def forward(self, tiles):
        self.given.append(tiles.clone())
        return torch.stack([tiles.mean((1, 2, 3)), tiles[:, 2, 0, 7]], dim=1)


@pytest.mark.parametrize("batch", [1, 2, 4, 100])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_logits_are_those_of_each_tile_in_the_order_of_the_corners(batch, layout):
    frame, model = random_frame(23, 31), Probe()
    tiler = Tiler(model=model, tile_px=8, overlap=0.25, batch=batch, layout=layout)
    logits = tiler.tiles(frame)
    scaled = frame.double() * 2 / 255 - 1
    tiles = [scaled[:, top : top + 8, left : left + 8] for top, left in tiler.grid_of(frame).corners]
    expected = torch.tensor([[tile.mean(), tile[2, 0, 7]] for tile in tiles])
    torch.testing.assert_close(logits.double(), expected.double(), atol=1e-5, rtol=0)
    assert max(map(len, model.given)) == min(batch, len(tiles))
    assert sum(map(len, model.given)) == len(tiles)
    assert all(given.is_contiguous(memory_format=layout) for given in model.given)


def test_a_compiled_model_is_always_given_full_batches():
    model = Probe()
    tiler = Tiler(model=model, tile_px=8, overlap=0, batch=4, static=True)
    frame = random_frame(16, 24)
    torch.testing.assert_close(tiler.tiles(frame), Tiler(model=Probe(), tile_px=8, overlap=0, batch=6).tiles(frame))
    assert [len(given) for given in model.given] == [4, 4]


def test_tiles_are_normalised_as_all_images_are_and_grey_outside_of_the_frame():
    frame, model = random_frame(5, 8), Probe()
    Tiler(model=model, tile_px=8).tiles(frame)
    (tile,) = model.given[0]
    torch.testing.assert_close(tile[:, 1:6], normalize(frame))
    assert tile[:, 0].eq(0).all()
    assert tile[:, 6:].eq(0).all()


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    tile_px=st.integers(5, 60),
    percent=st.integers(0, 75),
    batch=st.integers(1, 5),
    blend=st.sampled_from(["gaussian", "constant"]),
)
def test_dense_answers_are_those_of_monai(of_pixels, height, width, tile_px, percent, batch, blend):
    frame = random_frame(height, width)
    how = {"roi_size": (tile_px,) * 2, "sw_batch_size": batch, "overlap": percent / 100, "mode": blend}
    expected = sliding_window_inference(normalize(frame)[None], predictor=of_pixels, **how)[0]
    tiler = Tiler(model=of_pixels, tile_px=tile_px, overlap=percent / 100, batch=batch, blend=blend)
    torch.testing.assert_close(tiler.dense(frame), expected, atol=1e-5, rtol=0)


@given(height=st.integers(1, 90), width=st.integers(1, 90), tile_px=st.integers(1, 60), percent=st.integers(0, 90))
def test_what_all_tiles_agree_on_stands_at_every_pixel(height, width, tile_px, percent):
    assume(tile_px * (100 - percent) >= 100)  # tiles that step by less than a pixel cannot overlap as asked
    agreed = nn.Identity()
    frame = torch.full((2, height, width), 255, dtype=torch.uint8)
    for blend in ("gaussian", "constant"):
        dense = Tiler(model=agreed, tile_px=tile_px, overlap=percent / 100, batch=3, blend=blend).dense(frame)
        torch.testing.assert_close(dense, torch.ones(2, height, width), atol=1e-5, rtol=0)


def test_a_result_in_a_mapped_file_is_the_same(of_pixels, tmp_path):
    frame = random_frame(50, 70)
    tiler = Tiler(model=of_pixels, tile_px=16, batch=4)
    mapped = np.lib.format.open_memmap(tmp_path / "dense.npy", mode="w+", dtype=np.float32, shape=(4, 50, 70))
    out = torch.from_numpy(mapped)
    out.fill_(7)  # of an earlier frame
    assert tiler.dense(frame, out) is out
    mapped.flush()
    expected = tiler.dense(frame)
    torch.testing.assert_close(torch.from_numpy(np.load(tmp_path / "dense.npy")), expected, atol=0, rtol=0)


def test_memory_does_not_grow_with_the_number_of_tiles(of_pixels, cpu):
    tiler = Tiler(model=of_pixels, tile_px=32, batch=2)

    def peak(height):
        frame, out = random_frame(height, 100), torch.empty(4, height, 100)
        return peak_bytes(cpu, lambda: tiler.dense(frame, out))

    assert peak(3200) == pytest.approx(peak(100), abs=2000), "of 440 tiles as of 16"


@pytest.mark.parametrize("shape, dtype", [((4, 50, 71), torch.float32), ((4, 50, 70), torch.float64)])
def test_a_result_of_another_shape_or_precision_is_refused(of_pixels, shape, dtype):
    with pytest.raises(UserError, match=r"^out: .* cannot be used\. Allowed: a float32 tensor of \(4, 50, 70\)"):
        Tiler(model=of_pixels, tile_px=16).dense(random_frame(50, 70), torch.empty(shape, dtype=dtype))


def test_a_model_in_bf16_answers_in_float32(of_pixels):
    frame = random_frame(40, 40)
    low = copy.deepcopy(of_pixels).bfloat16()
    dense = Tiler(model=low, tile_px=16).dense(frame)
    assert dense.dtype == torch.float32
    torch.testing.assert_close(dense, Tiler(model=of_pixels, tile_px=16).dense(frame), atol=0.03, rtol=0)


def test_one_call_takes_an_array_as_a_decoder_makes_it(of_pixels):
    frame = random_frame(40, 50)
    array = frame.permute(1, 2, 0).contiguous().numpy()
    settings = {"tile_px": 16, "overlap": 0.5, "batch": 3}
    torch.testing.assert_close(
        tiled(of_pixels, array, "dense", **settings), Tiler(model=of_pixels, **settings).dense(frame)
    )
    tiles = tiled(Probe(), frame, **settings)
    torch.testing.assert_close(tiled(Probe(), frame, "frame", **settings), tiles.mean(0))


@pytest.mark.parametrize(
    "frame, reason",
    [
        (torch.zeros(3, 10, 10), "float32"),
        (torch.zeros(10, 10, dtype=torch.uint8), r"\(10, 10\)"),
        (torch.zeros(3, 0, 10, dtype=torch.uint8), r"\(3, 0, 10\)"),
    ],
)
def test_what_is_no_frame_is_refused(of_pixels, frame, reason):
    with pytest.raises(UserError, match=rf"^frame: .*{reason}.* Allowed: uint8 \(channels, height, width\)"):
        tiled(of_pixels, frame, tile_px=8)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"overlap": 1}, "overlap: 1 cannot be used"),
        ({"tile_px": 0}, "tile_px: 0 cannot be used"),
        ({"batch": 0}, "batch: 0 cannot be used"),
        ({"blend": "cubic"}, "blend: 'cubic' cannot be used. Allowed: constant, gaussian"),
    ],
)
def test_settings_that_cannot_be_are_refused(of_pixels, settings, message):
    with pytest.raises(UserError, match=f"^{message}"):
        Tiler(model=of_pixels, **settings)


def test_what_each_part_takes_is_added_up_over_frames(of_pixels):
    ticks = iter(range(100))
    timings = Timings(clock=lambda: float(next(ticks)))
    tiler = Tiler(model=of_pixels, tile_px=16, overlap=0, batch=1, timings=timings)
    for _ in range(2):
        tiler.dense(random_frame(16, 48))  # three tiles
    assert timings.seconds == {"decode": 0, "copy": 2, "forward": 6, "blend": 6, "write": 0}


def test_it_is_told_how_many_tiles_are_done(of_pixels):
    told = []
    tiler = Tiler(model=of_pixels, tile_px=16, overlap=0, batch=2, told=lambda done, of: told.append((done, of)))
    tiler.dense(random_frame(16, 48))
    assert told == [(2, 3), (3, 3)]
