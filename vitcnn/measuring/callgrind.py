"""Sends requests to the Callgrind under which this program runs: start, zero, dump.

Valgrind sees them in the code itself, as a sequence of instructions that does nothing elsewhere (`valgrind.h`,
`callgrind.h`). So that nothing need be compiled, its bytes are written here.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from enum import IntEnum

MACHINES = ("x86_64", "AMD64")

_CODE = bytes.fromhex(
    "4889f8"  # mov rax, rdi: the request and its five arguments
    "31d2"  # xor edx, edx: the answer where no valgrind listens
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61 and 51: once around
    "4887db"  # xchg rbx, rbx
    "4889d0"  # mov rax, rdx: the answer
    "c3"  # ret
)


class Request(IntEnum):
    """What can be asked."""

    UNDER_VALGRIND = 0x1001
    DUMP = 0x43540000
    ZERO = 0x43540001
    START = 0x43540004
    STOP = 0x43540005


class Callgrind:
    """The way to ask: `Callgrind()(Request.START)`. Only where the processor is one of MACHINES."""

    def __init__(self) -> None:
        assert platform.machine() in MACHINES
        self._memory = mmap.mmap(-1, len(_CODE), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._memory.write(_CODE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._ask = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)(address)
        self._words = {request: (ctypes.c_size_t * 6)(request) for request in Request}

    def __call__(self, request: Request) -> int:
        """Ask, and return the answer: 0 where no valgrind listens."""
        return int(self._ask(ctypes.addressof(self._words[request])))
