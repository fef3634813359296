"""SharedArray: a numpy array that several processes see.

::

    creator   SharedArray((1000, 3)) ──▶ memfd ◀── mapped by whoever the SharedArray is sent to

No name, so nothing is left in /dev/shm whatever happens; no tracker, so nobody warns of a leak and nobody
deletes what others use.  The memory goes with the last process that has it.
"""

from __future__ import annotations

import math
import operator
from typing import SupportsIndex

from procession.errors import Unsupported
from procession.ipc.arena import Slot, allocate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any, Self

    import numpy as np
    from numpy.typing import ArrayLike, DTypeLike, NDArray


class SharedArray:
    """A zeroed numpy array in shared memory, in C order: ``shared.array``.

    Can be sent to any process at any time: every one of them has the same memory, nothing is copied and
    nothing guards it (use a Lock).  Raises Unsupported without numpy, ValueError for a dtype with Python
    objects (their addresses mean nothing elsewhere).
    """

    def __init__(self, shape: SupportsIndex | Iterable[SupportsIndex], dtype: DTypeLike = float) -> None:
        kind: np.dtype[Any] = _numpy().dtype(dtype)
        if kind.hasobject:
            raise ValueError(f"an array of {kind} holds Python objects, which cannot be shared")
        whole = (shape,) if isinstance(shape, SupportsIndex) else tuple(shape)
        lengths = tuple(map(operator.index, whole))
        if min(lengths, default=0) < 0:
            raise ValueError(f"an array cannot have a negative length: {lengths}")
        self._map(allocate(max(1, math.prod(lengths) * kind.itemsize)), lengths, kind)

    @classmethod
    def from_array(cls, a: ArrayLike) -> SharedArray:
        """A shared copy of an array, or of what numpy makes one of."""
        given = _numpy().asarray(a)
        shared = cls(given.shape, given.dtype)
        shared.array[...] = given
        return shared

    def _map(self, slot: Slot, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._slot: Slot | None = slot
        self._array: NDArray[Any] | None = _numpy().ndarray(shape, dtype, slot.buffer())

    @property
    def array(self) -> NDArray[Any]:
        """The numpy array.  Raises ValueError after ``close``."""
        if self._array is None:
            raise ValueError("this SharedArray has been closed")
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its items."""
        return self.array.dtype

    def close(self) -> None:
        """Give it up here; other processes keep it, and numpy views made of it here stay valid."""
        self._array = self._slot = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        array = self.array
        return _arrived, (type(self), self._slot, array.shape, array.dtype)

    def __repr__(self) -> str:
        if self._array is None:
            return "<SharedArray (closed)>"
        return f"<SharedArray shape={self._array.shape} dtype={self._array.dtype}>"


def _arrived(
    kind: type[SharedArray], slot: Slot, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> SharedArray:
    made = kind.__new__(kind)
    made._map(slot, shape, dtype)  # noqa: SLF001 - the rest of its constructor
    return made


def _numpy() -> ModuleType:
    try:
        import numpy as np
    except ImportError as error:
        raise Unsupported("SharedArray", "it needs numpy: pip install numpy") from error
    return np
