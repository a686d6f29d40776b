"""Advice on -k, which looks for its words anywhere in a name."""

from __future__ import annotations

import re


def keyword_advice(keyword: str) -> list[str]:
    """Return a line where `keyword`, what -k says, holds a bare number of two digits or more.

    So `latency and 32` chooses every fp32 too.
    """
    number = next((word for word in re.split(r"[\s()]+", keyword) if word.isdecimal() and len(word) > 1), None)
    if number is None:
        return []
    places = f"/{number}/ for images of {number} px, /b{number}/ for batches of {number}"
    return [f"-k looks for {number} anywhere in a name, as 32 is found in every fp32: write {places}"]
