import numpy as np
import pytest
import torch
from scipy import ndimage
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF

from vitcnn.corruptions import NUM_SEVERITIES, Corruption, corrupted, corruptions
from vitcnn.corruptions.geometry import rotated, scaled, shifted
from vitcnn.corruptions.pixels import occluded
from vitcnn.errors import UserError
from vitcnn.tasks.digits import load_digits

NAMES = ["shift", "rotation", "scale", "gaussian_noise", "blur", "contrast", "occlusion"]
DRAWN = [name for name in NAMES if name not in ("blur", "contrast")]
LINEAR = {"interpolation": InterpolationMode.BILINEAR}
PX = 28

each = pytest.mark.parametrize("name", NAMES)
every_severity = pytest.mark.parametrize("severity", range(1, NUM_SEVERITIES + 1))


@pytest.fixture(scope="module")
def digits():
    """64 digits within a black margin, so that what comes from outside is black as torchvision has it."""
    images = torch.zeros(64, 1, PX, PX, dtype=torch.uint8)
    images[:, :, 8:20, 8:20] = torch.from_numpy(load_digits().test.images[:64, :, 8:20, 8:20].copy())
    return images


@pytest.fixture(scope="module")
def photos():
    """Bytes of every value in three channels, at another size than digits."""
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (16, 3, 32, 32), dtype=np.uint8))


def apply(name, images, severity, seed=0):
    return corrupted(images, corruptions()[name], severity, seed=seed)


def strength(name, severity):
    return corruptions()[name].severities[severity - 1]


def assert_each_is_one_of(ours, references):
    """Assert that each image is one of its references, to one grey level, and that each kind of reference occurs."""
    distances = torch.stack([(ours.float() - r.float()).abs().amax((1, 2, 3)) for r in references])
    nearest = distances.min(dim=0)
    assert nearest.values.max() <= 1
    assert set(nearest.indices.tolist()) == set(range(len(references)))


def test_the_catalogue_holds_the_seven_of_study_a_each_with_five_severities():
    assert list(corruptions()) == NAMES
    for corruption in corruptions().values():
        assert len(set(corruption.severities)) == NUM_SEVERITIES == 5
        assert corruption.unit
        assert corruption.source


@each
def test_severity_0_leaves_the_images_exactly_as_they_are(digits, photos, name):
    for images in (digits, photos):
        before = images.clone()
        assert torch.equal(apply(name, images, 0), before)


@each
@every_severity
def test_bytes_stay_bytes_and_the_images_given_are_left_alone(photos, name, severity):
    before = photos.clone()
    worse = apply(name, photos, severity)
    assert (worse.shape, worse.dtype) == (photos.shape, torch.uint8)
    assert not torch.equal(worse, photos)
    assert torch.equal(photos, before)


@each
def test_the_same_seed_gives_the_same_images(photos, name):
    assert torch.equal(apply(name, photos, 3, seed=4), apply(name, photos, 3, seed=4))


@pytest.mark.parametrize("name", DRAWN)
def test_another_seed_draws_anew_and_each_image_has_its_own_draw(photos, name):
    assert not torch.equal(apply(name, photos, 3, seed=4), apply(name, photos, 3, seed=5))
    alike = photos[:1].repeat(12, 1, 1, 1)
    assert len({image.numpy().tobytes() for image in apply(name, alike, 3)}) > 1


@each
def test_a_severer_corruption_is_farther_from_the_image(digits, name):
    distances = [(apply(name, digits, severity).float() - digits).abs().mean() for severity in range(6)]
    assert distances == sorted(distances)
    assert len(set(distances)) == 6


@every_severity
def test_shift_moves_each_image_both_ways_by_whole_pixels(digits, severity):
    px = int(strength("shift", severity))
    references = [
        torch.from_numpy(ndimage.shift(digits.numpy(), (0, 0, down * px, right * px), order=1, mode="nearest"))
        for down in (-1, 1)
        for right in (-1, 1)
    ]
    assert_each_is_one_of(apply("shift", digits, severity), references)


def test_shifted_moves_down_and_right_and_repeats_the_border(photos):
    moved = shifted(photos.float(), torch.full((16,), 2.0), torch.full((16,), -3.0))
    expected = ndimage.shift(photos.float().numpy(), (0, 0, 2, -3), order=1, mode="nearest")
    np.testing.assert_allclose(moved.numpy(), expected, atol=0.01)


@every_severity
def test_rotation_turns_each_image_as_torchvision_does(digits, severity):
    degrees = strength("rotation", severity)
    references = [TF.rotate(digits.float(), sign * degrees, **LINEAR).round() for sign in (-1, 1)]
    assert_each_is_one_of(apply("rotation", digits, severity), references)


def test_rotated_turns_clockwise(digits):
    turned = rotated(digits.float(), torch.full((len(digits),), 90.0))
    torch.testing.assert_close(turned, digits.float().rot90(-1, (2, 3)), atol=0.01, rtol=0)


@every_severity
def test_scale_enlarges_or_shrinks_each_image_as_torchvision_does(digits, severity):
    factor = strength("scale", severity)
    references = [
        TF.affine(digits.float(), angle=0, translate=[0, 0], scale=scale, shear=[0, 0], **LINEAR).round()
        for scale in (factor, 1 / factor)
    ]
    assert_each_is_one_of(apply("scale", digits, severity), references)


def test_scaled_by_two_doubles_what_lies_in_the_middle(digits):
    doubled = scaled(digits.float(), torch.full((len(digits),), 2.0))
    middle = TF.resize(digits.float()[:, :, 7:21, 7:21], [PX, PX], antialias=False)
    inside = (..., slice(1, -1), slice(1, -1))  # a resize repeats its border, a zoom sees beyond it
    torch.testing.assert_close(doubled[inside], middle[inside], atol=0.01, rtol=0)


@every_severity
def test_noise_has_its_standard_deviation_in_each_pixel_apart(severity):
    grey = torch.full((200, 1, PX, PX), 127.0)
    share = strength("gaussian_noise", severity)
    raw = corruptions()["gaussian_noise"].apply(grey, share, torch.Generator().manual_seed(0)) - grey
    assert raw.std() == pytest.approx(255 * share, rel=0.01)
    assert abs(raw.mean()) < 0.01 * 255 * share
    neighbours = torch.corrcoef(torch.stack([raw[..., :-1].flatten(), raw[..., 1:].flatten()]))[0, 1]
    assert abs(neighbours) < 0.02
    worse = apply("gaussian_noise", grey.to(torch.uint8), severity)
    assert torch.equal(worse, (grey + raw).round().clamp(0, 255).to(torch.uint8)), "cut off at black and white"


@every_severity
def test_blur_is_scipys_with_repeated_borders(photos, severity):
    sigma = strength("blur", severity)
    expected = ndimage.gaussian_filter(photos.double().numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=4.0)
    difference = np.abs(apply("blur", photos, severity).numpy() - expected)
    assert difference.max() <= 0.51, "half a grey level, by rounding"


@every_severity
def test_contrast_of_grey_images_is_torchvisions(digits, severity):
    factor = strength("contrast", severity)
    expected = torch.stack([TF.adjust_contrast(image.float() / 255, factor) * 255 for image in digits])
    assert (apply("contrast", digits, severity) - expected).abs().max() <= 0.51


def test_contrast_of_colour_images_is_about_the_mean_of_each_channel(photos):
    pale = apply("contrast", photos, 2)
    image, factor = photos[3].double().numpy(), strength("contrast", 2)
    means = image.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(pale[3].numpy(), (image - means) * factor + means, atol=0.51)


@every_severity
@pytest.mark.parametrize("px", [28, 32])
def test_occlusion_covers_its_share_of_the_area_somewhere_inside(severity, px):
    black = torch.zeros(300, 3, px, px, dtype=torch.uint8)
    covered = apply("occlusion", black, severity) == 128
    side = {28: (6, 9, 11, 13, 14), 32: (7, 10, 12, 14, 16)}[px][severity - 1]
    assert set(covered.sum((1, 2, 3)).tolist()) == {3 * side * side}
    assert side == round(px * strength("occlusion", severity) ** 0.5)
    rows, columns = covered[:, 0].any(2), covered[:, 0].any(1)
    assert torch.equal(rows.sum(1), torch.full((300,), side))
    assert torch.equal(columns.sum(1), torch.full((300,), side))
    for places in (rows, columns):
        first = places.int().argmax(1)
        assert (first.min(), first.max()) == (0, px - side), "300 draws reach both borders"


def test_occluded_is_torchvisions_erase(photos):
    top, left = torch.arange(16), torch.arange(16).flip(0)
    expected = [
        TF.erase(image.float(), i, j, 9, 9, torch.tensor(128.0))
        for image, i, j in zip(photos, top.tolist(), left.tolist(), strict=True)
    ]
    assert torch.equal(occluded(photos.float(), 9, top, left), torch.stack(expected))


@pytest.mark.parametrize("name", ["shift", "blur"])
def test_pixels_grow_with_images_larger_than_32_px(name):
    seen = []
    for px in (28, 32, 64, 224):
        dot = torch.zeros(1, 1, px + px % 2 + 1, px + px % 2 + 1, dtype=torch.uint8)
        size = dot.shape[-1]
        dot[..., size // 2, size // 2] = 255
        worse = corruptions()[name].apply(dot.float(), 2.0, torch.Generator().manual_seed(0))[0, 0]
        mass, places = worse.sum(0) / worse.sum(), torch.arange(size) - size // 2
        mean = (mass * places).sum()
        moment = mean.abs() if name == "shift" else ((mass * places**2).sum() - mean**2).sqrt()
        seen.append(float(moment))
    expected = [2.0, 2.0 * 33 / 32, 2.0 * 65 / 32, 2.0 * 225 / 32]
    assert seen == pytest.approx(expected, rel=0.01)


def test_what_is_drawn_does_not_depend_on_the_severity(digits):
    def centres(images):
        return (images.float().sum((1, 2)) * torch.arange(PX)).sum(1) / images.float().sum((1, 2, 3))

    sides = [torch.sign(centres(apply("shift", digits, severity)) - centres(digits)) for severity in (1, 5)]
    assert torch.equal(*sides)
    assert set(sides[0].tolist()) == {-1.0, 1.0}


def test_a_corruption_needs_five_severities():
    with pytest.raises(UserError, match=r"severities of fog: \(1.0,\) cannot be used. Allowed: 5 strengths"):
        Corruption(name="fog", unit="1", severities=(1.0,), apply=lambda images, *_: images, source="this test")
