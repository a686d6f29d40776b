"""What a field that a user fills in may hold; UserError where it holds anything else."""

from __future__ import annotations

from collections.abc import Sequence

from vitcnn.errors import UnknownName, UserError

MOST = 10**9
"""The largest count: what is larger is a typing error, and would end in one of memory or of arithmetic."""

CORRECT = "Correct it where it is given."


def require_one_of(field: str, value: object, allowed: Sequence[str]) -> None:
    """Raise UnknownName where `value` is not allowed; UserError where it is no text."""
    if not isinstance(value, str):
        raise UserError(field=field, value=value, allowed=", ".join(allowed), do=CORRECT)
    if value not in allowed:
        raise UnknownName(field=field, value=value, known=allowed)


def require_name(field: str, value: object) -> None:
    """Raise UserError where `value` is no text, or an empty one."""
    if not isinstance(value, str) or not value.strip():
        raise UserError(field=field, value=value, allowed="a name, as text", do=CORRECT)


def require_count(field: str, value: object) -> None:
    """Raise UserError where `value` is not a whole number from 1."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        shown = value if not isinstance(value, int) or abs(value) <= MOST**2 else "a larger number"
        raise UserError(field=field, value=shown, allowed=f"whole numbers from 1 to {MOST:,}", do=CORRECT)


def require_share(field: str, value: object, do: str) -> None:
    """Raise UserError where `value` is not a number from 0, below 1; NaN is none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < 1:  # type: ignore[operator]  # a number, as has just been asked
        raise UserError(field=field, value=value, allowed="shares from 0, below 1", do=do)


def require_tiles(*, tile_px: int, overlap: float, field: str = "overlap") -> None:
    """Raise UserError where square tiles of `tile_px` cannot overlap by the share `overlap` and still step on."""
    require_share(field, overlap, "0.1 is usual.")
    if step_px(tile_px, overlap) < 1:
        allowed = f"a share that leaves tiles of {tile_px} px a step of at least one pixel"
        raise UserError(field=field, value=overlap, allowed=allowed, do="0.1 is usual.")


def step_px(tile_px: int, overlap: float) -> int:
    """Return the pixels from one tile to the next."""
    return int(round(tile_px * (1 - overlap), 6))  # 10 * (1 - 0.8) is a hair below 2
