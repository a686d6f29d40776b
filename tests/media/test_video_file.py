"""Videos that PyAV encodes here, read and written."""

import resource
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from vitcnn.errors import NotMeasurable, NotWritten, UserError
from vitcnn.media.video_file import VideoFile, VideoWriter

RATE = 10
SIZE = (48, 64)


def noise(number):
    return np.random.default_rng(number).integers(0, 256, (*SIZE, 3)).astype(np.uint8)


def encoded(path, frames, codec="libx264", **options):
    """Write a video with PyAV alone."""
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def grey_levels(count=12):
    return [np.full((*SIZE, 3), 20 * number, dtype=np.uint8) for number in range(count)]


def read(path):
    """Return the frames until the end or the error, and what it said."""
    frames, video = [], VideoFile(path)
    try:
        frames.extend(video)
    except UserError as error:
        return frames, str(error)
    finally:
        video.close()
    return frames, ""


@pytest.mark.parametrize(
    "name, codec", [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx-vp9")]
)
def test_frames_are_read_in_order_as_rgb(name, codec, tmp_path):
    video = VideoFile(encoded(tmp_path / name, grey_levels(), codec))
    assert (video.rate, video.num_frames) == (RATE, 12)
    frames = list(video)
    assert frames[0].shape == (*SIZE, 3)
    assert frames[0].dtype == np.uint8
    np.testing.assert_allclose([frame.mean() for frame in frames], [20 * n for n in range(12)], atol=3)


def test_a_telephones_video_is_turned_upright(tmp_path):
    upright = np.zeros((*SIZE, 3), dtype=np.uint8)
    upright[: SIZE[0] // 2] = 255  # white above, black below
    path = encoded(tmp_path / "a.mp4", [np.ascontiguousarray(np.rot90(upright))] * 3)
    content = path.read_bytes()
    plain = b"".join(n.to_bytes(4, "big") for n in (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30))
    # (a, b, u, c, d, v, x, y, w) of a quarter turn: shown as stored, turned clockwise
    turned = b"".join(n.to_bytes(4, "big", signed=True) for n in (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30))
    at = content.index(b"tkhd") + 44
    assert content[at : at + 36] == plain
    path.write_bytes(content[:at] + turned + content[at + 36 :])
    frames, why = read(path)
    assert why == ""
    np.testing.assert_allclose(frames[0].astype(int)[[4, -4], 32, 0], [255, 0], atol=6)


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("a.mkv", {}, "2.0 s long by its header"),
        ("a.avi", {}, "20 frames by its header"),
        ("a.mp4", {"movflags": "faststart"}, "2.0 s long by its header"),
    ],
)
def test_a_video_that_is_cut_off_gives_its_frames_and_then_says_so(name, options, said, tmp_path):
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = encoded(tmp_path / name, [noise(number) for number in range(20)], codec, options=options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    frames, why = read(path)
    assert 5 < len(frames) < 16
    assert name in why
    assert f"it is cut off: {said}" in why


@pytest.mark.parametrize("given", [b"", b"no video at all" * 50])
def test_what_is_no_video_is_refused_when_it_is_opened(given, tmp_path):
    (tmp_path / "a.mp4").write_bytes(given)
    with pytest.raises(UserError, match=r"a\.mp4.*a whole video"):
        VideoFile(tmp_path / "a.mp4")


def test_a_video_whose_index_is_cut_off_is_refused(tmp_path):
    path = encoded(tmp_path / "a.mp4", grey_levels())
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(UserError, match="Invalid data"):
        VideoFile(path)


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), dtype=np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(UserError, match="it holds no video"):
        VideoFile(tmp_path / "a.mkv")


def test_without_pyav_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(NotMeasurable, match=r'pip install "vitcnn\[video\]"'):
        VideoFile(tmp_path / "a.mp4")


def test_what_is_written_can_be_read(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", Fraction(30000, 1001)) as writer:
        for frame in grey_levels():
            writer.add(frame)
        assert not (tmp_path / "a.mp4").exists()
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(30000, 1001)
        means = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(stream)]
    np.testing.assert_allclose(means, [20 * n for n in range(12)], atol=3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def write_all(path, frames):
    with VideoWriter(path, Fraction(RATE)) as writer:
        for frame in frames:
            writer.add(frame)


def interrupted_after(count):
    yield from grey_levels(count)
    raise KeyboardInterrupt


def test_what_was_written_until_ctrl_c_can_be_read(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path / "a.mp4", interrupted_after(5))
    frames, why = read(tmp_path / "a.mp4")
    assert (len(frames), why) == (5, "")


def test_a_video_without_a_frame_is_no_file(tmp_path):
    write_all(tmp_path / "a.mp4", [])
    assert not list(tmp_path.iterdir())


@pytest.fixture
def little_room():
    """Files of this process may have 20 kB at most: the system itself refuses more, as where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_there_is_no_room_it_is_named_and_nothing_stays(little_room, tmp_path):
    with pytest.raises(NotWritten, match=r"a\.mp4 cannot be written: File too large"):
        write_all(tmp_path / "a.mp4", map(noise, range(120)))
    assert not list(tmp_path.iterdir())
