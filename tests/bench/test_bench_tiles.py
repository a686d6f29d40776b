"""The frames that tiled cases read."""

import pytest
import torch

from vitcnn import TiledCase
from vitcnn.bench.tiles import frame_of, row_of


@pytest.mark.parametrize("way, is_pixel_by_pixel", [("tiles", False), ("dense", False), ("stream", True)])
def test_frames_of_a_stream_lie_in_memory_as_decoders_write_them(way, is_pixel_by_pixel):
    case = TiledCase(architecture="lenet", width=70, height=40, tile_px=32, overlap=0.0, batch=2, way=way)
    for frame, shape in ((frame_of(case, width=70, height=40), (3, 40, 70)), (row_of(case, 2), (3, 32, 64))):
        assert (frame.shape, frame.dtype) == (shape, torch.uint8)
        assert frame.permute(1, 2, 0).is_contiguous() is is_pixel_by_pixel
        assert frame.is_contiguous() is not is_pixel_by_pixel
    planar = TiledCase(architecture="lenet", width=70, height=40, tile_px=32, overlap=0.0, batch=2)
    assert torch.equal(frame_of(case, width=70, height=40), frame_of(planar, width=70, height=40))
