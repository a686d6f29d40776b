import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from archive_builders import ARCHIVE, CONTENT, MEMBER, PACKED, files_below, md5, pixels, put, silent, task_of

from vitcnn.errors import MissingData, UserError
from vitcnn.spec import RemoteFile
from vitcnn.tasks.download import ensure, fetch, missing_files

HALF = len(PACKED) // 2
PART = f"{ARCHIVE}.part"
NOWHERE = "http://127.0.0.1:9/pixels.gz"


class Handler(BaseHTTPRequestHandler):
    """Serves PACKED as the first part of the path says, and keeps what was asked and how many bytes were sent."""

    def do_GET(self):
        manner, asked = self.path.split("/")[1], self.headers["Range"]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and manner != "no-range" else 0
        content = (bytes(len(PACKED)) if manner == "damaged" else PACKED)[start:]
        if manner == "gone":
            self.refuse(404)
        elif not content or (asked and manner == "unsatisfiable"):
            self.refuse(416)
        else:
            self.send(content, cut_at=HALF if manner == "cut" else len(content))

    def refuse(self, status):
        self.keep(0)
        self.send_error(status)

    def send(self, content, cut_at):
        self.keep(len(content[:cut_at]))
        self.send_response(206 if len(content) < len(PACKED) else 200)
        if "no-length" not in self.path:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:cut_at])

    def keep(self, num_bytes):
        """Before the answer, so that it is there when the client has read it."""
        self.server.asked.append((self.path.split("/")[1], self.headers["Range"], num_bytes))

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def running_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(running_server, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running_server.asked = []
    return running_server


@pytest.fixture
def url(server):
    return lambda manner: f"http://127.0.0.1:{server.server_port}/{manner}/pixels.gz"


WHOLE = {ARCHIVE: PACKED, MEMBER: CONTENT}


def test_fetching_leaves_the_archive_and_what_it_unpacks_to_and_tells_the_bytes(tmp_path, url):
    told = []
    fetch(pixels(url("range")), tmp_path, lambda *args: told.append(args))
    assert files_below(tmp_path) == WHOLE
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")], "no temporary folder is left"
    done = [step[0] for step in told]
    assert done == sorted(done)
    assert len(done) > 2
    assert told[-1] == (len(PACKED), len(PACKED), f"tiny: {ARCHIVE}, 0.3/0.3 MB")


def test_a_server_that_tells_no_length_serves_too(tmp_path, url):
    told = []
    fetch(pixels(url("no-length")), tmp_path, lambda *args: told.append(args[:2]))
    assert files_below(tmp_path) == WHOLE
    assert all(done == total for done, total in told)


def test_unpacked_files_are_as_readable_as_any_new_file(tmp_path, url):
    fetch(pixels(url("range")), tmp_path, silent)
    ordinary = put(tmp_path, "ordinary", b"")
    assert (tmp_path / MEMBER).stat().st_mode == ordinary.stat().st_mode


def test_sound_files_are_not_fetched_again(tmp_path, url, server):
    put(tmp_path, MEMBER, CONTENT)
    fetch(pixels(url("range")), tmp_path, silent)
    assert server.asked == []
    assert files_below(tmp_path) == {MEMBER: CONTENT}


@pytest.mark.parametrize("unpacked", [None, b"", CONTENT[:-1], b"another file"])
def test_a_sound_archive_is_unpacked_without_the_network(tmp_path, url, server, unpacked):
    put(tmp_path, ARCHIVE, PACKED)
    if unpacked is not None:
        put(tmp_path, MEMBER, unpacked)
    fetch(pixels(url("range")), tmp_path, silent)
    assert server.asked == []
    assert files_below(tmp_path) == WHOLE


@pytest.mark.parametrize("archive", [b"", PACKED[:HALF], b"another file"])
def test_damaged_files_are_fetched_anew(tmp_path, url, archive):
    put(tmp_path, ARCHIVE, archive)
    put(tmp_path, MEMBER, CONTENT[:100])
    fetch(pixels(url("range")), tmp_path, silent)
    assert files_below(tmp_path) == WHOLE


def test_a_partial_download_is_resumed_where_it_ends(tmp_path, url, server):
    put(tmp_path, PART, PACKED[:1000])
    told = []
    fetch(pixels(url("range")), tmp_path, lambda *args: told.append(args))
    assert server.asked == [("range", "bytes=1000-", len(PACKED) - 1000)]
    assert told[0][0] > 1000
    assert {total for _, total, _ in told} == {len(PACKED)}
    assert files_below(tmp_path) == WHOLE


def test_a_server_without_ranges_begins_anew(tmp_path, url, server):
    put(tmp_path, PART, PACKED[:1000])
    fetch(pixels(url("no-range")), tmp_path, silent)
    assert server.asked == [("no-range", "bytes=1000-", len(PACKED))]
    assert files_below(tmp_path) == WHOLE


def test_a_range_that_the_server_does_not_have_begins_anew(tmp_path, url, server):
    put(tmp_path, PART, PACKED[:1000])
    fetch(pixels(url("unsatisfiable")), tmp_path, silent)
    assert server.asked == [("unsatisfiable", "bytes=1000-", 0), ("unsatisfiable", None, len(PACKED))]
    assert files_below(tmp_path) == WHOLE


def test_a_part_of_another_file_is_thrown_away(tmp_path, url, server):
    put(tmp_path, PART, bytes(1000))
    fetch(pixels(url("range")), tmp_path, silent)
    assert [asked for _, asked, _ in server.asked] == ["bytes=1000-", None]
    assert files_below(tmp_path) == WHOLE


def test_a_cut_connection_leaves_the_part_for_the_next_time(tmp_path, url, server):
    with pytest.raises(MissingData, match=rf"the connection ended after {HALF:,} of {len(PACKED):,} bytes"):
        fetch(pixels(url("cut")), tmp_path, silent)
    assert files_below(tmp_path) == {PART: PACKED[:HALF]}
    fetch(pixels(url("range")), tmp_path, silent)
    assert server.asked[1:] == [("range", f"bytes={HALF}-", len(PACKED) - HALF)]
    assert files_below(tmp_path) == WHOLE


def test_the_next_mirror_goes_on_where_the_first_broke_off(tmp_path, url, server):
    fetch(pixels(url("cut"), url("range")), tmp_path, silent)
    assert [asked for _, asked, _ in server.asked] == [None, f"bytes={HALF}-"]
    assert files_below(tmp_path) == WHOLE


@pytest.mark.parametrize("first", ["gone", "damaged"])
def test_the_second_mirror_serves_where_the_first_does_not(tmp_path, url, server, first):
    fetch(pixels(url(first), url("range")), tmp_path, silent)
    assert [(manner, asked) for manner, asked, _ in server.asked] == [(first, None), ("range", None)]
    assert files_below(tmp_path) == WHOLE


def test_damaged_bytes_are_not_kept(tmp_path, url):
    with pytest.raises(MissingData, match=f"its file has MD5 {md5(bytes(len(PACKED)))} instead of {md5(PACKED)}"):
        fetch(pixels(url("damaged")), tmp_path, silent)
    assert files_below(tmp_path) == {}


def test_every_mirror_says_why_it_failed(tmp_path, url):
    with pytest.raises(MissingData) as raised:
        fetch(pixels(url("gone"), NOWHERE), tmp_path, silent)
    assert f"{url('gone')}: HTTP Error 404" in str(raised.value)
    assert re.search(rf"; {NOWHERE}: .*refused", str(raised.value))


@pytest.mark.parametrize("way", [fetch, ensure])
def test_without_a_network_the_message_says_the_way_out(tmp_path, monkeypatch, way):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    root = tmp_path / "data"
    with pytest.raises(MissingData) as raised:
        way(pixels(NOWHERE), root, silent)
    message = str(raised.value)
    assert message.startswith(f"tiny: {ARCHIVE} is not under {root} and cannot be downloaded ({NOWHERE}: ")
    assert "run `vitcnn fetch tiny` where there is a network" in message
    assert message.endswith("copy its data folder to this machine, and name the copy with --data-root or $VITCNN_DATA")
    assert not root.exists()


def test_an_interrupted_download_can_be_resumed(tmp_path, url, server):
    def interrupt(done, total, text):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(pixels(url("range")), tmp_path, interrupt)
    ((name, part),) = files_below(tmp_path).items()
    assert name == PART
    assert 0 < len(part) < len(PACKED)
    assert PACKED.startswith(part)
    fetch(pixels(url("range")), tmp_path, silent)
    assert server.asked[-1] == ("range", f"bytes={len(part)}-", len(PACKED) - len(part))
    assert files_below(tmp_path) == WHOLE


def test_a_data_root_that_cannot_be_written_is_refused(tmp_path, url):
    put(tmp_path, "sub", b"a file where a folder would lie")
    with pytest.raises(UserError, match=f"^--data-root: '{tmp_path}' cannot be used") as raised:
        fetch(pixels(url("range")), tmp_path, silent)
    assert "Allowed: a folder that can be written" in str(raised.value)
    assert "name another folder with --data-root or $VITCNN_DATA" in str(raised.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, a disk that is always full")
def test_a_full_disk_is_one_clear_error(tmp_path, url):
    (tmp_path / PART).parent.mkdir(parents=True)
    (tmp_path / PART).symlink_to("/dev/full")
    with pytest.raises(UserError, match="No space left on device"):
        fetch(pixels(url("range")), tmp_path, silent)
    assert not (tmp_path / ARCHIVE).exists()


def test_an_archive_of_other_content_does_not_replace_what_is_there(tmp_path):
    put(tmp_path, ARCHIVE, PACKED)
    put(tmp_path, MEMBER, b"old")
    with pytest.raises(UserError, match=f"an archive with {MEMBER} of MD5 {md5(b'new')}, not {md5(CONTENT)}"):
        fetch(pixels(content=b"new"), tmp_path, silent)
    assert files_below(tmp_path) == {ARCHIVE: PACKED, MEMBER: b"old"}


def test_an_archive_of_the_right_sum_that_is_none_is_one_clear_error(tmp_path):
    archive = put(tmp_path, ARCHIVE, b"no gzip file")
    said = f"^tiny: '{archive}' cannot be used. Allowed: an archive that can be unpacked"
    with pytest.raises(UserError, match=said):
        fetch(pixels(packed=b"no gzip file"), tmp_path, silent)


def test_missing_is_what_has_neither_archive_nor_all_members(tmp_path):
    one = RemoteFile(path="one.tar.gz", md5="", urls=(), unpacks_to={"one/a": "", "one/b": ""})
    two = RemoteFile(path="two.gz", md5="", urls=(), unpacks_to={"two": ""})
    task = task_of(one, two)
    assert missing_files(task, tmp_path / "absent") == (one, two)
    put(tmp_path, "one/a", b"")
    put(tmp_path, "two", b"")
    assert missing_files(task, tmp_path) == (one,)
    put(tmp_path, "one/b", b"")
    assert missing_files(task, tmp_path) == ()
    (tmp_path / "one/a").unlink()
    put(tmp_path, "one.tar.gz", b"")
    assert missing_files(task, tmp_path) == ()


def test_a_task_without_files_needs_nothing(tmp_path):
    root = tmp_path / "absent"
    assert missing_files(task_of(), root) == ()
    ensure(task_of(), root, silent)
    fetch(task_of(), root, silent)
    assert not root.exists()


def test_ensure_downloads_what_is_missing_and_leaves_the_rest_alone(tmp_path, url, server):
    here = RemoteFile(path="other.gz", md5="0", urls=(url("range"),), unpacks_to={"other": "0"})
    put(tmp_path, "other", b"the user's own")
    ensure(task_of(here, *pixels(url("range")).files), tmp_path, silent)
    assert files_below(tmp_path) == {**WHOLE, "other": b"the user's own"}
    assert len(server.asked) == 1
    ensure(task_of(here, *pixels(url("range")).files), tmp_path, silent)
    assert len(server.asked) == 1
