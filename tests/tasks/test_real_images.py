import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from vitcnn.tasks import real_images

SIZES = [(28, 1), (32, 3), (224, 3), (512, 3), (600, 3)]


@pytest.mark.parametrize("px, channels", SIZES)
@pytest.mark.parametrize("count", [1, 5])
def test_batch_has_the_shape_that_the_model_is_built_for(px, channels, count):
    images = real_images.batch(px, count)
    assert images.shape == (count, channels, px, px)
    assert images.dtype == np.uint8
    shape = real_images.input_shape(px)
    assert (shape.px, shape.channels, shape.num_classes) == (px, channels, 10)


@pytest.mark.parametrize("px, channels", SIZES)
def test_batch_is_the_same_at_every_call(px, channels):
    assert np.array_equal(real_images.batch(px, 3), real_images.batch(px, 3))


@pytest.mark.parametrize("px, channels", SIZES)
def test_images_are_neither_flat_nor_all_alike(px, channels):
    images = real_images.batch(px, 8)
    assert (images.reshape(8, -1).std(axis=1) > 1).all()
    assert len({image.tobytes() for image in images}) == 8


def test_a_batch_larger_than_the_digits_begins_again():
    images = real_images.batch(28, 1500)
    assert np.array_equal(images[1442:], images[: 1500 - 1442])


def test_changing_a_batch_does_not_change_the_next():
    real_images.batch(28, 3)[:] = 0
    real_images.batch(32, 3)[:] = 0
    assert real_images.batch(28, 3).any()
    assert real_images.batch(32, 3).any()


@pytest.mark.parametrize("width, height", [(3840, 2160), (1280, 427), (100, 50), (1281, 428)])
def test_frame_has_the_size_asked_for_and_no_empty_region(width, height):
    frame = real_images.frame(width=width, height=height)
    assert frame.shape == (3, height, width)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    corner = frame[:, -50:, -50:]
    assert corner.std() > 1


def test_frame_begins_with_the_photographs_side_by_side():
    frame = real_images.frame(width=1280, height=427)
    assert np.array_equal(frame[:, :, :640].transpose(1, 2, 0), load_sample_image("china.jpg"))
    assert np.array_equal(frame[:, :, 640:].transpose(1, 2, 0), load_sample_image("flower.jpg"))


def test_frame_repeats_the_photographs_beyond_their_edge():
    frame = real_images.frame(width=1300, height=440)
    assert np.array_equal(frame[:, :, 1280:], frame[:, :, :20])
    assert np.array_equal(frame[:, 427:], frame[:, :13])
