"""Mappings that need no descriptor: memory that lives exactly as long as the objects that look into it.

``mmap.mmap`` keeps a duplicate of its descriptor until it is closed, before Python 3.13 (``trackfd=False``)
always: a thousand arrays that were received would be a thousand open files.  There mmap(2) itself is called.
"""

from __future__ import annotations

import mmap
import os
import sys
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from typing import Any

_PROTECTION = mmap.PROT_READ | mmap.PROT_WRITE
_library: ctypes.CDLL | None = None


def map_private(fd: int, size: int) -> memoryview:
    """The first ``size`` bytes (1 or more) of a file as writable memory of this process alone.

    What is written stays here: MAP_PRIVATE copies the page (mmap(2)), also against a later fork.  The
    memory is unmapped with the last view of it; ``fd`` may be closed at once.  Raises OSError (ENOMEM).
    """
    if sys.version_info >= (3, 13):
        return memoryview(mmap.mmap(fd, size, mmap.MAP_PRIVATE, _PROTECTION, trackfd=False))
    return _map_by_hand(fd, size)


def _map_by_hand(fd: int, size: int) -> memoryview:
    import ctypes

    library = _library or _load()
    address = library.mmap(None, size, _PROTECTION, mmap.MAP_PRIVATE, fd, 0)
    if address == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        raise OSError(number, f"mapping {size} bytes: {os.strerror(number)}")
    block: Any = (ctypes.c_ubyte * size).from_address(address)
    # A view holds its exporter, and so the mapping, and so do the arrays that are made from it.
    weakref.finalize(block, library.munmap, address, size).atexit = False
    return memoryview(block).cast("B")


def _load() -> ctypes.CDLL:
    global _library
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    word, pointer = ctypes.c_size_t, ctypes.c_void_p
    library.mmap.argtypes = (pointer, word, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64)
    library.mmap.restype = pointer
    library.munmap.argtypes = (pointer, word)
    _library = library
    return library
