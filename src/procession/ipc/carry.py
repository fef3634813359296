"""Objects as bytes and descriptors: how anything with a file descriptor inside travels.

::

    parcel = pack(obj)            Parcel(data, descriptors, buffers)
    ... data by any way, descriptors by SCM_RIGHTS or inheritance, buffers as they are ...
    obj = unpack(data, descriptors, buffers)

A class with a descriptor reduces to ``Shared`` objects::

    def __reduce__(self):
        return _rebuild, (share(self._fd),)

    def _rebuild(shared):
        return Thing(shared.detach())      # a descriptor of the receiver's own

Inside ``pack`` the descriptor goes along with the parcel, so that the sender may end at once.  Outside of
it (plain ``pickle.dumps``, a connection over TCP) the standard library's resource sharer serves it, as
long as the sender lives.  While the standard library itself starts a process, its own way is taken.

Pickling: the C pickler first; what it refuses is tried with the reducers that others have registered with
``multiprocessing.reduction.ForkingPickler`` and then with cloudpickle (lambdas, closures, ``__main__``).
"""

from __future__ import annotations

import os
import pickle
import threading

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType, FrameType
    from typing import Any

BUFFER_MIN = 64 * 1024  # bytes; a smaller out-of-band buffer costs more than its copy

_here = threading.local()


@record
class Parcel:
    """``descriptors`` are duplicates that belong to the parcel: ``close`` them once they have been sent."""

    data: bytes
    descriptors: tuple[int, ...]
    buffers: tuple[pickle.PickleBuffer, ...]

    def close(self) -> None:
        """Close the duplicates."""
        for fd in self.descriptors:
            os.close(fd)


class Shared:
    """A descriptor on its way, number ``index`` of its parcel."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __reduce__(self) -> tuple[object, ...]:
        return Shared, (self.index,)

    def detach(self) -> int:
        """The descriptor, now the caller's own; only while its parcel is being unpacked, and once."""
        arrived: list[int] | None = getattr(_here, "arrived", None)
        if arrived is None or arrived[self.index] < 0:
            raise ValueError("this descriptor came with a parcel that has been unpacked already")
        fd, arrived[self.index] = arrived[self.index], -1
        return fd


def share(fd: int) -> Any:
    """Something that pickles and whose ``detach()`` gives the receiver a descriptor of its own."""
    leaving: list[int] | None = getattr(_here, "leaving", None)
    if leaving is not None:
        leaving.append(os.dup(fd))
        return Shared(len(leaving) - 1)
    if quick_callers and _called_quickly():
        raise NotQuick
    from multiprocessing import reduction

    return reduction.DupFd(fd)


# -- the quick way, for what is put into a queue: one call of the C pickler and nothing else -----------


class NotQuick(BaseException):
    """There is more to this object than bytes: take the way over ``pack``.

    Not an Exception, which a ``__reduce__`` might catch.
    """


quick_callers: set[CodeType] = set()  # the functions that pickle so; ``share`` looks whether it is for one


def only_small(buffer: pickle.PickleBuffer) -> bool:
    """A ``buffer_callback`` for the quick way: large buffers are not for it."""
    with buffer.raw() as raw:
        if raw.nbytes >= BUFFER_MIN:
            raise NotQuick
    return True


def _called_quickly() -> bool:
    import sys

    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - its public name is only inspect's
    while frame is not None:
        if frame.f_code in quick_callers:
            return True
        frame = frame.f_back
    return False


def pack(obj: object, *, out_of_band: bool = False) -> Parcel:
    """Pickle an object; ``out_of_band``: large buffers (numpy arrays, PickleBuffer) stay outside the data.

    Raises what pickling raises (PicklingError, TypeError, AttributeError), naming the type.
    """
    outer = getattr(_here, "leaving", None)
    leaving: list[int] = []
    buffers: list[pickle.PickleBuffer] = []
    _here.leaving = leaving
    try:
        data = dumps(obj, leaving, buffers if out_of_band else None)
    except BaseException:
        _close(leaving)
        raise
    finally:
        _here.leaving = outer
    return Parcel(data, tuple(leaving), tuple(buffers))


def unpack(
    data: bytes | bytearray | memoryview,
    descriptors: Iterable[int] = (),
    buffers: Sequence[Any] | None = None,
) -> Any:
    """The object again.  ``descriptors`` are taken over: those that nothing has detached are closed."""
    outer = getattr(_here, "arrived", None)
    arrived = list(descriptors)
    _here.arrived = arrived
    try:
        return pickle.loads(data, buffers=buffers)
    finally:
        _here.arrived = outer
        _close(fd for fd in arrived if fd >= 0)


def dumps(obj: object, leaving: list[int], buffers: list[pickle.PickleBuffer] | None) -> bytes:
    """Pickle with the first pickler that can; what a failed attempt has gathered is dropped."""

    def keep(buffer: pickle.PickleBuffer) -> bool:
        with buffer.raw() as raw:
            if raw.nbytes < BUFFER_MIN:
                return True  # true: in band (PEP 574)
        assert buffers is not None
        buffers.append(buffer)
        return False

    callback = keep if buffers is not None else None
    attempts = [_with_reducers, _with_cloudpickle]
    if not others_have_reducers():
        attempts.insert(0, _plainly)
    first: Exception | None = None
    try:
        for attempt in attempts:
            try:
                return attempt(obj, callback)
            except Exception as error:
                first = first or error
                _forget(leaving, buffers)
        assert first is not None
        raise first
    finally:
        first = (
            None  # its traceback refers to this frame: the two would keep the object alive until a collection
        )


def _plainly(obj: object, callback: Any) -> bytes:
    return pickle.dumps(obj, 5, buffer_callback=callback)


def by_value(obj: object) -> bytes:
    """Pickle with cloudpickle: what comes from ``__main__`` travels as it is, not by its name."""
    return _with_cloudpickle(obj, None)


def others_have_reducers() -> bool:
    """Has a third party (torch, say) registered reducers that must win over the plain pickler's ways?"""
    import sys

    reduction = sys.modules.get("multiprocessing.reduction")
    if reduction is None:
        return False
    extra: dict[type, Any] = reduction.ForkingPickler._extra_reducers  # noqa: SLF001 - it has no public name
    if "multiprocessing.connection" in sys.modules:
        import procession.ipc.connection  # noqa: F401 - it has them pickle as what they are, not as a number
    return any(not kind.__module__.startswith(_KNOWN) for kind in extra)


_known_count = -1  # so many reducers are registered, and none of them is a third party's


def plain_will_do(registered: dict[type, Any]) -> bool:
    """``not others_have_reducers()``, at once if ``ForkingPickler._extra_reducers`` has not grown since."""
    global _known_count
    if len(registered) == _known_count:
        return True
    if others_have_reducers():
        return False
    _known_count = len(registered)
    return True


# Types of the standard library: its reducers for them are needed only where plain pickle refuses.
_KNOWN = ("builtins", "functools", "socket", "_socket", "multiprocessing", "procession", "_thread", "array")


def _with_reducers(obj: object, callback: Any) -> bytes:
    import io
    from multiprocessing.reduction import ForkingPickler

    buffer = io.BytesIO()
    ForkingPickler(buffer, 5, True, callback).dump(obj)  # it takes no keywords
    return buffer.getvalue()


def _with_cloudpickle(obj: object, callback: Any) -> bytes:
    import io
    from multiprocessing.reduction import ForkingPickler

    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, item: object) -> Any:
            reduce = ForkingPickler._extra_reducers.get(type(item))  # type: ignore[attr-defined]  # noqa: SLF001
            return reduce(item) if reduce else super().reducer_override(item)

    buffer = io.BytesIO()
    Pickler(buffer, 5, buffer_callback=callback).dump(obj)
    return buffer.getvalue()


def _forget(leaving: list[int], buffers: list[pickle.PickleBuffer] | None) -> None:
    _close(leaving)
    leaving.clear()
    if buffers is not None:
        buffers.clear()


def _close(descriptors: Iterable[int]) -> None:
    for fd in descriptors:
        os.close(fd)
