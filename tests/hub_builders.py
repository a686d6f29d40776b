"""A cache of the Hugging Face hub, made by hand in its own layout, for tests of what reads it."""

import hashlib

REVISION = "0123456789abcdef0123456789abcdef01234567"


def put_into_cache(cache, name, content, *, blob=None):
    """Put a file of weights into a cache as the hub's client does; return the path that the client hands out.

    `name` is the repository's, below timm/. `blob` is the name of the blob: the SHA-256 of the content, if it is sound.
    """
    folder = cache / f"models--timm--{name}"
    snapshot = folder / "snapshots" / REVISION
    for place in (folder / "blobs", folder / "refs", snapshot):
        place.mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text(REVISION)
    blob = blob or hashlib.sha256(content).hexdigest()
    (folder / "blobs" / blob).write_bytes(content)
    path = snapshot / "model.safetensors"
    path.symlink_to(f"../../blobs/{blob}")
    return path
