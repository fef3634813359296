"""Value, Array and their raw forms: ctypes objects in shared memory that can be sent at any time.

A raw object is of its plain ctypes type, with its slot (ipc/arena.py) as attribute ``_wrapper``.  How such a
type pickles is told to ``copyreg``, so that every pickler asks ``_reduce``, which leaves objects without a
slot to their usual way.  The wrappers with a lock are the standard library's; they only travel farther.
"""

# ruff: noqa: SLF001 - the standard library's wrappers and pickler are asked for what they keep private
from __future__ import annotations

import copyreg
import ctypes
import weakref

from procession.ipc.arena import Slot, allocate
from procession.ipc.classic import classic
from procession.ipc.mutex import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Array", "RawArray", "RawValue", "Value", "copy", "synchronized"]

_theirs: Any = classic("sharedctypes")
typecode_to_type: dict[str, Any] = _theirs.typecode_to_type


def RawValue(typecode_or_type: Any, *args: Any) -> Any:  # noqa: N802 - the classic name, like those below
    """A ctypes object in shared memory, zeroed or made with ``args``; nothing guards it."""
    made = _new(_type_of(typecode_or_type))
    made.__init__(*args)
    return made


def RawArray(typecode_or_type: Any, size_or_initializer: Any) -> Any:  # noqa: N802
    """A ctypes array in shared memory: zeros for a size, else the values given; nothing guards it."""
    kind = _type_of(typecode_or_type)
    if isinstance(size_or_initializer, int):
        return _new(kind * size_or_initializer)
    made = _new(kind * len(size_or_initializer))
    made.__init__(*size_or_initializer)
    return made


def Value(typecode_or_type: Any, *args: Any, lock: Any = True, ctx: Any = None) -> Any:  # noqa: ARG001, N802
    """A ``RawValue`` with a lock: an RLock of its own, or ``lock``; ``lock=False``: just the RawValue.

    Raises AttributeError for a ``lock`` that has no ``acquire``.
    """
    return _guarded(RawValue(typecode_or_type, *args), lock)


def Array(typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True, ctx: Any = None) -> Any:  # noqa: ARG001, N802
    """A ``RawArray`` with a lock, as for ``Value``."""
    return _guarded(RawArray(typecode_or_type, size_or_initializer), lock)


def copy(obj: Any) -> Any:
    """A copy of a ctypes object, in shared memory of its own."""
    made = _new(type(obj))
    ctypes.pointer(made)[0] = obj
    return made


def synchronized(obj: Any, lock: Any = None, ctx: Any = None) -> Any:  # noqa: ARG001 - the classic signature
    """A wrapper around a shared ctypes object that takes ``lock`` (without one, an RLock of its own)."""
    assert not isinstance(obj, _theirs.SynchronizedBase), "object already synchronized"
    lock = lock or RLock()
    if isinstance(obj, ctypes._SimpleCData):
        return Synchronized(obj, lock)
    if isinstance(obj, ctypes.Array):
        return (SynchronizedString if obj._type_ is ctypes.c_char else SynchronizedArray)(obj, lock)
    return _wrapper_of(type(obj))(obj, lock)


class SynchronizedBase(_theirs.SynchronizedBase):  # type: ignore[misc]
    """A shared ctypes object and its lock: ``get_obj``, ``get_lock``, ``with``, ``acquire``, ``release``."""

    def __reduce__(self) -> tuple[Any, ...]:
        return synchronized, (self._obj, self._lock)

    @property
    def recovered(self) -> bool:
        """Was the holder of the lock before this one killed with it?  See Lock.recovered."""
        return bool(self._lock.recovered)

    @recovered.setter
    def recovered(self, value: bool) -> None:
        self._lock.recovered = value


class Synchronized(SynchronizedBase, _theirs.Synchronized):  # type: ignore[misc]
    """``value``, read and written under the lock; ``v.value += 1`` is two steps and needs ``with v:``."""


class SynchronizedArray(SynchronizedBase, _theirs.SynchronizedArray):  # type: ignore[misc]
    """Items and slices, read and written under the lock."""


class SynchronizedString(SynchronizedArray, _theirs.SynchronizedString):  # type: ignore[misc]
    """An array of ``c_char`` with ``value`` and ``raw``."""


_wrappers: weakref.WeakKeyDictionary[type, type] = weakref.WeakKeyDictionary()


def _wrapper_of(kind: type) -> type:
    found = _wrappers.get(kind)
    if found is None:
        names = [field[0] for each in reversed(kind.__mro__) for field in each.__dict__.get("_fields_", ())]
        properties = {name: _theirs.make_property(name) for name in names}
        found = _wrappers[kind] = type(f"Synchronized{kind.__name__}", (SynchronizedBase,), properties)
    return found


def _guarded(obj: Any, lock: Any) -> Any:
    if lock is False:
        return obj
    if lock is True or lock is None:
        lock = RLock()
    if not hasattr(lock, "acquire"):
        raise AttributeError(f"{lock!r} has no method 'acquire'")
    return synchronized(obj, lock)


def _type_of(typecode_or_type: Any) -> Any:
    return typecode_to_type.get(typecode_or_type, typecode_or_type)


def _new(kind: Any) -> Any:
    return _rebuild(kind, allocate(ctypes.sizeof(kind)), None)


def _reduce(obj: Any) -> Any:
    slot = obj.__dict__.get("_wrapper")
    if slot is None:
        return obj.__reduce_ex__(4)
    if not isinstance(slot, Slot):
        return _theirs.reduce_ctype(obj)
    # Types of arrays have no name to be pickled by; they are made again of what they consist of.
    if isinstance(obj, ctypes.Array):
        return _rebuild, (obj._type_, slot, obj._length_)
    return _rebuild, (type(obj), slot, None)


def _rebuild(kind: Any, slot: Slot, length: int | None) -> Any:
    if length is not None:
        kind = kind * length
    made = kind.from_buffer(slot.memory)
    made._wrapper = slot
    copyreg.pickle(kind, _reduce)
    # The standard library's own Values of this type have told its pickler another way.
    known = _theirs._ForkingPickler._extra_reducers
    if kind in known:
        known[kind] = _reduce
    return made
