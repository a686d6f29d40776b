import gzip
import tarfile

import pytest
from archive_builders import ARCHIVE, CONTENT, MEMBER, PACKED, files_below, md5, pixels, put, silent, tar_of, tar_task

from vitcnn.errors import UserError
from vitcnn.tasks import archive
from vitcnn.tasks.archive import members
from vitcnn.tasks.download import fetch


def test_only_the_expected_members_of_a_tar_are_unpacked(tmp_path):
    evil = {"../evil": b"1", str(tmp_path / "evil"): b"2", "set/other": b"3"}
    packed = tar_of({**evil, "set/b": b"bee", "set/a": b"ay"})
    root = tmp_path / "root"
    put(root, "set.tar.gz", packed)
    fetch(tar_task(packed, a=b"ay", b=b"bee"), root, silent)
    assert files_below(tmp_path) == {"root/set.tar.gz": packed, "root/set/a": b"ay", "root/set/b": b"bee"}


def test_sound_members_are_left_as_they_are(tmp_path):
    put(tmp_path, "set.tar.gz", packed := tar_of({"set/a": b"ay", "set/b": b"bee"}))
    sound = put(tmp_path, "set/a", b"ay")
    before = sound.stat()
    fetch(tar_task(packed, a=b"ay", b=b"bee"), tmp_path, silent)
    assert (sound.stat().st_ino, sound.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (tmp_path / "set/b").read_bytes() == b"bee"


def test_a_link_in_a_tar_is_not_followed(tmp_path):
    secret = put(tmp_path, "secret", b"ay")
    packed = tar_of({"set/a": secret})
    root = tmp_path / "root"
    put(root, "set.tar.gz", packed)
    with pytest.raises(UserError, match="an archive with set/a, which it does not contain"):
        fetch(tar_task(packed, a=b"ay"), root, silent)
    assert files_below(root) == {"set.tar.gz": packed}


def damaged_in_the_middle(packed):
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


TAR = tar_of({"set/a": CONTENT})


def damaged_at_the_beginning(packed):
    return packed[:10] + b"\xff" * 10 + packed[20:]


DAMAGES = {
    "empty": lambda _: b"",
    "another": lambda _: b"another file",
    "truncated": lambda packed: packed[:-1000],
    "beginning": damaged_at_the_beginning,
    "middle": damaged_in_the_middle,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("packed, task", [(PACKED, pixels()), (TAR, tar_task(TAR, a=CONTENT))], ids=["gz", "tar"])
def test_reading_a_damaged_archive_is_one_clear_error(tmp_path, packed, task, damage):
    damaged = put(tmp_path, task.files[0].path, damage(packed))
    said = f"^tiny: '{damaged}' cannot be used. .* Run `vitcnn fetch tiny`"
    with pytest.raises(UserError, match=said):
        members(task, tmp_path)
    assert list(files_below(tmp_path)) == [task.files[0].path]


def test_members_of_which_only_the_archive_is_there_are_read_without_writing_to_the_data_root(tmp_path):
    put(tmp_path, "set.tar.gz", packed := tar_of({"set/a": b"ay", "set/b": b"bee"}))
    put(tmp_path, "set/a", b"ay")
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    assert members(tar_task(packed, a=b"ay", b=b"bee"), tmp_path) == {"set/a": b"ay", "set/b": b"bee"}
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]} == before


@pytest.mark.parametrize("content", [b"", CONTENT[:1000], b"another file"])
def test_a_damaged_member_is_one_clear_error(tmp_path, content):
    path = put(tmp_path, MEMBER, content)
    put(tmp_path, ARCHIVE, PACKED)
    with pytest.raises(UserError) as raised:
        members(pixels(), tmp_path)
    found = f"this one has {len(content):,} bytes and MD5 {md5(content)}"
    allowed = f"the original, of MD5 {md5(CONTENT)}; {found}"
    do = "Run `vitcnn fetch tiny` to download it again."
    assert str(raised.value) == f"tiny: '{path}' cannot be used. Allowed: {allowed}. {do}"


@pytest.mark.parametrize("packer", [gzip.compress, lambda content: tar_of({"set/a": content})], ids=["gz", "tar"])
def test_nothing_of_an_archive_of_another_sum_is_unpacked(tmp_path, monkeypatch, packer):
    bomb = packer(bytes(1 << 20))
    assert len(bomb) < 1 << 12
    task = pixels() if packer is gzip.compress else tar_task(TAR, a=CONTENT)
    put(tmp_path, task.files[0].path, bomb)
    for module in (gzip, tarfile):
        monkeypatch.setattr(module, "open", lambda *_args, **_how: pytest.fail("it was unpacked"))
    with pytest.raises(UserError, match=f"the original, of MD5 {task.files[0].md5}; this one has {len(bomb):,} bytes"):
        members(task, tmp_path)


def test_of_a_file_larger_than_any_is_no_more_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_BYTES", 1000)
    packed = gzip.compress(bytes(100_000), mtime=0)  # its sum is known, and yet it unpacks to too much
    put(tmp_path, ARCHIVE, packed)
    with pytest.raises(UserError, match=f"not {md5(bytes(1001))}"):
        members(pixels(packed=packed, content=bytes(100_000)), tmp_path)
    put(tmp_path, MEMBER, bytes(100_000))
    with pytest.raises(UserError, match=f"100,000 bytes and MD5 {md5(bytes(1001))}"):
        members(pixels(content=bytes(100_000)), tmp_path)
