"""Tasks of small files made by hand, packed and unpacked, and the folders they lie in."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np

from vitcnn.spec import InputShape, RemoteFile, Task

CONTENT = np.random.default_rng(0).bytes(300_000)
PACKED = gzip.compress(CONTENT, mtime=0)
MEMBER = "sub/raw/pixels"
ARCHIVE = f"{MEMBER}.gz"


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def task_of(*files):
    shape = InputShape(px=28, channels=1, num_classes=10)
    return Task(
        name="tiny", shape=shape, classes=(), loader=lambda *_: None, source="here", recipes="digits", files=files
    )


def pixels(*urls, packed=PACKED, content=CONTENT):
    return task_of(RemoteFile(path=ARCHIVE, md5=md5(packed), urls=urls, unpacks_to={MEMBER: md5(content)}))


def put(root, name, content):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def files_below(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def silent(done, total, text):
    pass


def tar_of(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, Path):
                entry.type, entry.linkname = tarfile.SYMTYPE, str(content)
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def tar_task(packed, **unpacks_to):
    sums = {f"set/{name}": md5(content) for name, content in unpacks_to.items()}
    return task_of(RemoteFile(path="set.tar.gz", md5=md5(packed), urls=(), unpacks_to=sums))
