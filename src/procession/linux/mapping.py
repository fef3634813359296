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
    from collections.abc import Callable
    from typing import Any

_PROTECTION = mmap.PROT_READ | mmap.PROT_WRITE
_library: ctypes.CDLL | None = None


def map_private(
    fd: int, size: int, offset: int = 0, *, then: Callable[[], object] | None = None
) -> memoryview:
    """``size`` bytes (1 or more) of a file as writable memory of this process alone.

    What is written stays here: MAP_PRIVATE copies the page (mmap(2)), also against a later fork.  The
    memory is unmapped with the last view of it; ``fd`` may be closed at once.  ``offset``: of whole pages.
    ``then`` is called once no view is left, in whichever thread that happens, and not at the end of the
    process.  Raises OSError (ENOMEM).
    """
    if sys.version_info >= (3, 13):
        mapped = mmap.mmap(fd, size, mmap.MAP_PRIVATE, _PROTECTION, offset=offset, trackfd=False)
        if then is not None:
            weakref.finalize(mapped, then).atexit = False
        return memoryview(mapped)
    return _map_by_hand(fd, size, offset, then)


def _map_by_hand(fd: int, size: int, offset: int, then: Callable[[], object] | None) -> memoryview:
    import ctypes

    library = _library or _load()
    address = library.mmap(None, size, _PROTECTION, mmap.MAP_PRIVATE, fd, offset)
    if address == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        raise OSError(number, f"mapping {size} bytes: {os.strerror(number)}")
    block: Any = (ctypes.c_ubyte * size).from_address(address)
    # A view holds its exporter, and so the mapping, and so do the arrays that are made from it.
    weakref.finalize(block, _unmap, library, address, size, then).atexit = False
    return memoryview(block).cast("B")


def _unmap(library: ctypes.CDLL, address: int, size: int, then: Callable[[], object] | None) -> None:
    library.munmap(address, size)
    if then is not None:
        then()


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
