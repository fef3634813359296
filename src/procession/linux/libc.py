"""The C library by ctypes, for the few calls that Python has no name for.

ctypes costs about 5 ms to import, so it is loaded on the first call and never before.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes

_library: ctypes.CDLL | None = None


def call(name: str, *arguments: object) -> int:
    """Call a function that returns -1 and sets errno when it fails; its result otherwise.

    Plain ints travel as C ``long`` (right for int and long parameters of the Linux ABIs); a parameter
    that is wider than a long on 32-bit machines has to be given as a ctypes value.
    Raises OSError with the errno; ENOSYS when this C library has no such function.
    """
    global _library
    import ctypes

    if _library is None:
        _library = ctypes.CDLL(None, use_errno=True)
    try:
        function = getattr(_library, name)
    except AttributeError:
        import errno

        raise OSError(errno.ENOSYS, f"no function {name} in the C library") from None
    result = function(*(ctypes.c_long(word) if isinstance(word, int) else word for word in arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
