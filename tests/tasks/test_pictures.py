import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from vitcnn.tasks.pictures import in_threads, picture, reorder

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def flat(tmp_path, image, suffix="png", **options):
    """Return the colour that a file of one colour is decoded to."""
    path = tmp_path / f"flat.{suffix}"
    image.save(path, **options)
    decoded = picture(path, 224)
    assert decoded.shape == (3, 224, 224)
    assert decoded.dtype == np.uint8
    colours = np.unique(decoded.reshape(3, -1), axis=1)
    assert colours.shape == (3, 1)
    return tuple(colours[:, 0].tolist())


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("value, grey", [(0, 0), (257, 1), (32768, 128), (65535, 255)])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, value, grey, suffix):
    image = Image.fromarray(np.full((30, 40), value, dtype=np.uint16))
    assert image.mode == "I;16"
    assert flat(tmp_path, image, suffix) == (grey, grey, grey)


def test_16_bit_pgm_is_scaled(tmp_path):
    path = tmp_path / "x.pgm"
    path.write_bytes(b"P5 20 10 65535\n" + np.full(200, 32768, dtype=">u2").tobytes())
    with Image.open(path) as image:
        assert image.mode == "I"
    assert np.unique(picture(path, 224)).tolist() == [128]


@pytest.mark.parametrize("value", [-1, 65536])
def test_grey_beyond_16_bits_cannot_be_decoded(tmp_path, value):
    with pytest.raises(ValueError, match="beyond 16 bits"):
        flat(tmp_path, Image.fromarray(np.full((30, 40), value, dtype=np.int32)), "tif")


def test_floating_point_cannot_be_decoded(tmp_path):
    with pytest.raises(ValueError, match="floating-point"):
        flat(tmp_path, Image.fromarray(np.full((30, 40), 0.5, dtype=np.float32)), "tif")


@pytest.mark.parametrize(
    "mode, value, colour",
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("1", 0, (0, 0, 0)),
        ("RGBA", (255, 0, 0, 255), RED),
        ("RGBA", (255, 0, 0, 128), (255, 127, 127)),  # 255 * 128 / 255 + 255 * 127 / 255, and 255 * 127 / 255
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 128), (127, 127, 127)),
    ],
)
def test_flat_png(tmp_path, mode, value, colour):
    assert flat(tmp_path, Image.new(mode, (40, 30), value)) == colour


@pytest.mark.parametrize("options, colour", [({}, (10, 20, 30)), ({"transparency": 1}, (255, 255, 255))])
@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_flat_palette(tmp_path, suffix, options, colour):
    image = Image.new("P", (40, 30), 1)
    image.putpalette([200, 0, 0, 10, 20, 30])
    assert flat(tmp_path, image, suffix, **options) == colour


def test_a_colour_that_stands_for_transparent_is_white(tmp_path):
    assert flat(tmp_path, Image.new("RGB", (40, 30), RED), transparency=RED) == (255, 255, 255)


@pytest.mark.parametrize(
    "cmyk, rgb", [((0, 255, 255, 0), RED), ((0, 0, 0, 255), (0, 0, 0)), ((0, 0, 0, 0), (255,) * 3)]
)
@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk(tmp_path, cmyk, rgb, suffix):
    assert np.abs(np.subtract(flat(tmp_path, Image.new("CMYK", (40, 32), cmyk), suffix), rgb)).max() <= 2


def test_first_frame_of_an_animation(tmp_path):
    later = [Image.new("RGB", (40, 30), GREEN), Image.new("RGB", (40, 30), BLUE)]
    assert flat(tmp_path, Image.new("RGB", (40, 30), RED), "gif", save_all=True, append_images=later) == RED


def two_halves(size, first, second, *, upright):
    image = Image.new("RGB", size, first)
    width, height = size
    image.paste(second, (0, height // 2, width, height) if upright else (width // 2, 0, width, height))
    return image


@pytest.mark.parametrize("size", [(300, 300), (2400, 1800)])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_exif_orientation_6_is_turned_clockwise(tmp_path, suffix, size):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"turned.{suffix}"
    two_halves(size, RED, BLUE, upright=False).save(path, exif=exif)  # left red; turned clockwise: top red
    decoded = picture(path, 224).astype(int)
    assert np.abs(decoded[:, 20] - np.array(RED)[:, None]).max() <= 2
    assert np.abs(decoded[:, 200] - np.array(BLUE)[:, None]).max() <= 2


def test_exif_orientation_of_16_bit_grey(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    values = np.zeros((224, 224), dtype=np.uint16)
    values[:112] = 65535
    Image.fromarray(values).save(tmp_path / "x.png", exif=exif)
    decoded = picture(tmp_path / "x.png", 224)
    assert (decoded[:, :111] == 0).all()
    assert (decoded[:, 113:] == 255).all()


@pytest.mark.parametrize("size, upright", [((896, 448), False), ((448, 896), True)])
def test_the_middle_is_cut_out_and_halved(tmp_path, size, upright):
    # half the size is 448 x 224; the crop is 112..336 of it, so the border of the halves is in its middle
    path = tmp_path / "halves.png"
    two_halves(size, RED, BLUE, upright=upright).save(path)
    decoded = picture(path, 224)
    along = decoded[:, :, 0] if upright else decoded[:, 0]
    assert (along[:, :111] == np.array(RED)[:, None]).all()
    assert (along[:, 113:] == np.array(BLUE)[:, None]).all()


def test_what_lies_outside_the_crop_is_not_seen(tmp_path):
    image = Image.new("RGB", (896, 448), RED)
    image.paste(GREEN, (224, 0, 672, 448))  # the middle 448 x 448, which the crop shows
    image.save(tmp_path / "x.png")
    decoded = picture(tmp_path / "x.png", 224)
    assert (decoded[:, :, 1:-1] == np.array(GREEN)[:, None, None]).all()


@pytest.mark.parametrize("size", [(60000, 1), (1, 60000), (1, 1)])
def test_any_shape_is_decoded(tmp_path, size):
    assert flat(tmp_path, Image.new("RGB", size, GREEN)) == GREEN


SIZES = [(640, 427), (427, 640), (1000, 750), (333, 1001), (100, 80), (224, 224), (2400, 1800), (2401, 1803)]


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_photographs_equal_torchvision(tmp_path, suffix):
    china = Image.fromarray(load_sample_image("china.jpg"))
    for number, size in enumerate(SIZES):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        china.resize(size, Image.Resampling.BICUBIC).save(path)
    theirs = ImageFolder(tmp_path / "photos", v2.Compose([v2.Resize(224, antialias=True), v2.CenterCrop(224)]))
    for (path, _), (image, _) in zip(theirs.samples, theirs, strict=True):
        difference = picture(Path(path), 224).astype(int) - np.asarray(image).transpose(2, 0, 1)
        assert np.abs(difference).max() <= 2, path


def test_rows_are_put_in_order_in_place():
    rows = np.arange(50)[:, None] * np.ones((1, 3), dtype=int)
    order = np.random.default_rng(0).permutation(50)
    same = rows
    reorder(rows, order)
    assert np.array_equal(same[:, 0], order)
    reorder(rows[:0], [])


def test_threads_keep_the_order_and_stop_at_an_error():
    told = []
    assert in_threads(str, range(120), told.append) == [str(number) for number in range(120)]
    assert told == [50, 100, 120]
    worked, go = [], threading.Event()

    def fail(number):
        worked.append(number)
        if number == 0:
            raise KeyboardInterrupt
        go.wait(0.01)

    with pytest.raises(KeyboardInterrupt):
        in_threads(fail, range(10_000), told.append)
    assert len(worked) < 1000
