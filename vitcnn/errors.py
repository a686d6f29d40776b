"""Every error that vitcnn raises on purpose.

::

    VitcnnError
    ├── UserError             bad input, refused before anything runs
    │   ├── UnknownName       a name the catalogue does not hold; offers the nearest
    │   └── NotGiven          input that is missing
    ├── NotMeasurable         something that a case needs is not here; the case is skipped
    │   ├── MissingData       files of a task, or weights
    │   ├── TooFewImages      as many training images as the case is about
    │   ├── NoCompiler        a compiler for torch.compile
    │   └── NotPredictable    a model that runs on tensors without numbers
    ├── NotWritten            a file of results that cannot be written: no space left
    ├── RecordError           a document that is not a valid vitcnn record
    ├── BaselineError         a store of baselines that cannot be judged by
    ├── RunFailed             a run in a fresh process that cannot be used
    └── CaseError             ends one case; the other cases go on
        ├── UnsupportedResolution
        ├── OutOfMemory
        ├── Diverged
        └── Leaked
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import ClassVar, Literal

CaseOutcome = Literal["failed", "out_of_memory", "diverged", "leaked"]
"""What a case that ended with an error is recorded as."""

MAX_NAMES_SHOWN = 40
"""A longer list of allowed names is cut short in a message."""


class VitcnnError(Exception):
    """The root of the tree."""


class UserError(VitcnnError, ValueError):
    """Bad input: says the field, the value, what is allowed and what to do."""

    outcome: ClassVar[CaseOutcome] = "failed"

    def __init__(self, *, field: str, value: object, allowed: str, do: str) -> None:
        self.field = field
        self.value = value
        self.do = do
        super().__init__(self.text(f"{value!r} cannot be used", allowed))

    def text(self, wrong: str, allowed: str) -> str:
        """Return the message."""
        return f"{self.field}: {wrong}. Allowed: {allowed}. {self.do}"


class NotGiven(UserError):
    """Input that is missing."""

    def __init__(self, *, field: str, allowed: str, do: str) -> None:
        super().__init__(field=field, value=None, allowed=allowed, do=do)

    def text(self, _wrong: str, allowed: str) -> str:
        return super().text("is not given", allowed)


class UnknownName(UserError):
    """A name that the catalogue does not hold."""

    def __init__(self, *, field: str, value: str, known: Iterable[str], also: Sequence[str] = ()) -> None:
        names = self.known = sorted(known)
        self.also = also
        nearest = get_close_matches(value, names, n=3, cutoff=0.5)
        do = f"Did you mean {' or '.join(nearest)}?" if nearest else "Check the spelling."
        shown = names if len(names) <= MAX_NAMES_SHOWN else [*names[:3], f"... ({len(names)} names)"]
        super().__init__(field=field, value=value, allowed=", ".join([*shown, *also]), do=do)


@contextmanager
def asked_as(option: str, field: str) -> Iterator[None]:
    """Report a name that is not known under the option by which it was given, where it would be under `field`."""
    try:
        yield
    except UnknownName as error:
        if error.field != field:
            raise
        raise UnknownName(field=option, value=str(error.value), known=error.known, also=error.also) from None


class NotMeasurable(VitcnnError):
    """A case cannot be measured here: says what is missing and how to get it."""


class MissingData(NotMeasurable):
    """The files of `task`, or weights where it is empty, are not here and cannot be had: says how to get them."""

    def __init__(self, task: str, message: str) -> None:
        self.task = task
        super().__init__(message)


class TooFewImages(NotMeasurable):
    """A task has fewer training images than a case is about: says how many."""


class NoCompiler(NotMeasurable):
    """torch.compile finds no compiler on a CPU: says which to install."""


class NotPredictable(NotMeasurable):
    """The memory of a model cannot be predicted, since it needs numbers: says why."""


class NotWritten(VitcnnError):
    """A file of results that cannot be written, for lack of space mostly: says which, and why."""


class RecordError(VitcnnError, ValueError):
    """A document that is not a valid vitcnn record: says where and why."""


class BaselineError(VitcnnError):
    """A store of baselines that cannot be judged by: says which file and why, and what to do."""


class RunFailed(VitcnnError):
    """A run of the suite in a fresh process that cannot be used: says why and where its output is."""


class CaseError(VitcnnError):
    """Ends one case; the others go on. `outcome` is what the case is recorded as."""

    outcome: ClassVar[CaseOutcome] = "failed"


class UnsupportedResolution(CaseError):
    """The architecture cannot take this input resolution."""


class OutOfMemory(CaseError):
    """The device had too little memory for the case."""

    outcome: ClassVar[CaseOutcome] = "out_of_memory"


class Diverged(CaseError):
    """The loss was not a finite number."""

    outcome: ClassVar[CaseOutcome] = "diverged"


class Leaked(CaseError):
    """The case left memory allocated behind it."""

    outcome: ClassVar[CaseOutcome] = "leaked"
