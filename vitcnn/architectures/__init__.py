"""The catalogue of architectures: each family has its own file, and the entries in it are found automatically.

Beside it `timm/NAME` is any timm model, packages offer theirs by entry points, and a user's own is named by
`FILE.py:NAME`. Nothing here imports timm or torch before a model is built or one from outside is looked up.
"""

import sys
from collections.abc import Sequence
from functools import cache

from vitcnn import catalogue
from vitcnn.architectures.any_timm import any_timm_model, is_timm
from vitcnn.architectures.own import GROUP, offered_architecture, own_architecture
from vitcnn.errors import UnknownName, UserError, asked_as
from vitcnn.input_sizes import InputKind
from vitcnn.references import USAGE, is_reference, offered, require_one_meaning
from vitcnn.spec import Architecture

_OWN: dict[str, Architecture] = {}
"""The user's own of this process's command line, by the names that ids show."""


@cache
def architectures() -> dict[str, Architecture]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Architecture)


def architectures_for(px: int, kind: InputKind = "image") -> tuple[str, ...]:
    """Return the names of the catalogue's architectures that can be given inputs of `kind` at `px`."""
    return tuple(name for name, entry in architectures().items() if entry.accepts(px, kind))


def architecture(name: str) -> Architecture:
    """Return the architecture of `name`: the catalogue's, `timm/NAME`, a package's, or one of `ask_for`.

    UnknownName offers the nearest of the catalogue.
    """
    return _OWN.get(name) or _from_outside(name) or _of_catalogue(name)


def ask_for(asked: Sequence[str], option: str = "--arch") -> tuple[str, ...]:
    """Return the names of the architectures that a command line asks for by `option`, `FILE.py:NAME` among them.

    From now on `architecture` knows these, and no longer those that were asked for before. UserError where two have one
    name.
    """
    _OWN.clear()
    names = []
    for text in asked:
        if text.endswith(".py"):
            do = f"Add the name of the model in this file: {text}:NAME."
            raise UserError(field="--arch", value=text, allowed=USAGE, do=do)
        if is_timm(text) or not is_reference(text):
            require_one_meaning("--arch", text, GROUP, architectures())
            with asked_as(option, "architecture"):
                names.append(architecture(text).name)
            continue
        found = own_architecture(text)
        other = _OWN.setdefault(found.name, found)
        if other.file != found.file:
            do = f"{other.file} and {found.file} have the same name: rename one, or measure one after the other."
            raise UserError(field="--arch", value=found.name, allowed="own models of different names", do=do)
        names.append(found.name)
    return tuple(dict.fromkeys(names))


def _from_outside(name: str) -> Architecture | None:
    if is_timm(name):
        return _of_timm(name)
    return offered_architecture(name) if name not in architectures() and name in offered(GROUP) else None


@cache
def _of_timm(name: str) -> Architecture:
    return any_timm_model(name)


def _of_catalogue(name: str) -> Architecture:
    if name not in architectures():
        known = (*architectures(), *offered(GROUP))
        also = ("timm/NAME for any timm model", f"{USAGE} for your own")
        raise UnknownName(field="architecture", value=name, known=known, also=also)
    return architectures()[name]
