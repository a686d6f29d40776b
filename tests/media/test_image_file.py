"""Images of every kind as they lie on disk, each made here, read as RGB."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from vitcnn.errors import UserError
from vitcnn.media import image_file
from vitcnn.media.image_file import read_image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def picture():
    """2 high, 3 wide: red, green, blue; black, grey, white."""
    return np.array([[RED, GREEN, BLUE], [(0, 0, 0), (128, 128, 128), WHITE]], dtype=np.uint8)


def saved(image, path, **options):
    image.save(path, **options)
    return read_image(path)


@pytest.mark.parametrize("ending", ["png", "bmp", "ppm", "tif", "webp"])
def test_colours_are_as_they_were_saved(ending, tmp_path):
    options = {"lossless": True} if ending == "webp" else {}
    found = saved(Image.fromarray(picture()), tmp_path / f"a.{ending}", **options)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, picture())


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = np.array([[0, 100, 255]], dtype=np.uint8)
    np.testing.assert_array_equal(saved(Image.fromarray(grey), tmp_path / "a.png"), np.stack([grey] * 3, axis=-1))


def test_transparent_parts_are_white(tmp_path):
    rgba = np.array([[(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)]], dtype=np.uint8)
    found = saved(Image.fromarray(rgba), tmp_path / "a.png")
    np.testing.assert_array_equal(found, [[RED, WHITE, (127, 127, 127)]])


def test_grey_with_transparency_too(tmp_path):
    both = np.array([[(10, 255), (10, 0)]], dtype=np.uint8)
    np.testing.assert_array_equal(saved(Image.fromarray(both, "LA"), tmp_path / "a.png"), [[(10, 10, 10), WHITE]])


def test_a_palette_is_looked_up_and_its_transparent_colour_is_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), "P")
    image.putpalette([*RED, *GREEN, *BLUE])
    np.testing.assert_array_equal(saved(image, tmp_path / "a.gif"), [[RED, GREEN, BLUE]])
    np.testing.assert_array_equal(saved(image, tmp_path / "b.png", transparency=1), [[RED, WHITE, BLUE]])


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_of_grey_are_scaled(ending, tmp_path):
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    found = saved(Image.fromarray(values), tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(found[..., 0], [[0, 1, 128, 255]])


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width, height, depth, colour, rows):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_16_bits_of_colour_are_scaled(tmp_path):
    row = b"\x00" + struct.pack(">6H", 65535, 0, 32896, 257, 514, 65535)
    (tmp_path / "a.png").write_bytes(png(2, 1, 16, 2, row))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[(255, 0, 128), (1, 2, 255)]])


def test_black_and_white_of_one_bit(tmp_path):
    bits = Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1")
    np.testing.assert_array_equal(saved(bits, tmp_path / "a.png"), [[(0, 0, 0), WHITE]])


def test_cmyk_becomes_rgb(tmp_path):
    inks = Image.fromarray(np.full((16, 16, 4), (0, 255, 255, 0), dtype=np.uint8), "CMYK")
    found = saved(inks, tmp_path / "a.jpg", quality=100)
    assert np.abs(found.astype(int) - RED).max() <= 4


@pytest.mark.parametrize("tag, turned", [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_turns_the_image_upright(tag, turned, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = tag
    stored = Image.fromarray(picture())
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(picture(), turned))


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (2, 2), colour) for colour in (RED, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert tuple(read_image(tmp_path / "a.gif")[0, 0]) == RED


def content(**options):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(file, **options)
    return file.getvalue()


PNG, JPEG = content(format="PNG"), content(format="JPEG")


@pytest.mark.parametrize(
    "name, given, said",
    [
        ("empty.png", b"", "the file is empty"),
        ("text.png", b"no image at all", "not an image of a format that Pillow knows"),
        ("cut.png", PNG[: len(PNG) // 2], "truncated"),
        ("cut.jpg", JPEG[: len(JPEG) // 2], "truncated"),
        ("head.png", PNG[:20], "Truncated"),
        ("none.png", png(0, 0, 8, 2, b""), "or without pixels"),
        ("bomb.png", png(100_000, 100_000, 8, 2, b""), "100,000 x 100,000 pixels, and at most 536,870,912"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_what_cannot_be_read_is_one_error_that_names_it(name, given, said, tmp_path):
    (tmp_path / name).write_bytes(given)
    with pytest.raises(UserError) as refused:
        read_image(tmp_path / name)
    assert name in str(refused.value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere.png"):
        with pytest.raises(UserError, match="not a file, or a link to none"):
            read_image(path)


def test_floats_have_no_known_range(tmp_path):
    Image.fromarray(np.zeros((2, 2), dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UserError, match="whose range is not known"):
        read_image(tmp_path / "a.tif")


def test_pillows_own_limit_is_as_before_and_large_frames_are_read(monkeypatch, tmp_path):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (4, 4, 3)
    assert Image.MAX_IMAGE_PIXELS == 3
    monkeypatch.setattr(image_file, "MOST_PIXELS", 15)
    with pytest.raises(UserError, match="at most 15"):
        read_image(tmp_path / "a.png")
