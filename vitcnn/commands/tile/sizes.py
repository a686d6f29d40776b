"""Which sizes of tiles a model takes, and what is said of those that it does not."""

from __future__ import annotations

from vitcnn.errors import UserError
from vitcnn.spec import Architecture


def require_tile(entry: Architecture, px: int) -> str:
    """Return what is to be said of tiles that are enlarged for a model; "" where it takes them as they are.

    UserError, which names the nearest sizes, where it would not see each pixel as it is.
    """
    if entry.sizes.kind != "image":
        do = f"{entry.refusal(px)}."
        raise UserError(field="--arch", value=entry.name, allowed="architectures of images", do=do)
    if entry.sizes.model_px(px) == px and not entry.refusal(px):
        return ""
    below, above = nearest_sizes(entry, px)
    if below is None and not entry.refusal(px):
        model_px = entry.model_px(px)
        return f"tiles of {px} px are enlarged to {model_px} px, the size at which {entry.name} works on them"
    sizes = " and ".join(f"{size} px" for size in (below, above) if size)
    do = f"The nearest sizes that work: {sizes}." if sizes else "Choose another architecture."
    raise UserError(field="--tile", value=px, allowed=f"sizes that {entry.name} takes: {entry.sizes.words}", do=do)


def nearest_sizes(entry: Architecture, px: int) -> tuple[int | None, int | None]:
    """Return the nearest sizes below and above `px` that a model takes as they are, None where there is none."""

    def takes(size: int) -> bool:
        return not entry.refusal(size) and entry.sizes.model_px(size) == size

    below = next((size for size in range(px - 1, 0, -1) if takes(size)), None)
    return below, next((size for size in range(px + 1, 2 * px + 1024) if takes(size)), None)
