"""Tasks as bytes: how a flight is loaded.

Plain values (numbers, short texts, and tuples of such) go all at once, by marshal.  Everything else is pickled
one by one: what does not pickle harms no other task, and two tasks that were given the same list get one each.
"""

from __future__ import annotations

import marshal
import pickle
import sys

from procession.ipc import carry
from procession.ipc.letters import close_all
from procession.pool.messages import EACH, RANGE
from procession.pool.messages import PLAIN as AT_ONCE
from procession.pool.page import PLAIN, VERSION
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_TUPLE = frozenset((tuple,))
_LOOKED_AT = 16  # tuples longer than this are pickled


class Refused(Exception):
    """The task with this index does not pickle, because of ``error``."""

    def __init__(self, index: int, error: BaseException) -> None:
        super().__init__(index, error)
        self.index = index
        self.error = error


@record
class Cargo:
    """The payload of a flight; the form is one of messages.py, the descriptors are the cargo's own."""

    form: int
    data: bytes
    descriptors: tuple[int, ...] = ()
    buffers: tuple[memoryview, ...] = ()


def pack_tasks(payloads: Sequence[Any]) -> Cargo:
    """Tasks, ready to be sent.  Raises Refused."""
    if type(payloads) is range:
        return Cargo(RANGE, marshal.dumps((payloads.start, payloads.stop, payloads.step), VERSION))
    if _all_plain(payloads):
        return Cargo(AT_ONCE, marshal.dumps(list(payloads), VERSION))
    entries: list[Any] = []
    descriptors: list[int] = []
    buffers: list[memoryview] = []
    plainly = _plain_will_do()
    for index, payload in enumerate(payloads):
        try:
            if plainly:
                entries.append(_quickly(payload))
                continue
        except (carry.NotQuick, Exception, SystemExit):  # noqa: S110 - the slower ways may be able to
            pass
        try:
            parcel = carry.pack(payload, out_of_band=True)
        except (Exception, SystemExit) as error:  # whose __reduce__ leaves means its own task, too
            close_all(descriptors)
            raise Refused(index, error) from None
        if parcel.descriptors or parcel.buffers:
            entries.append((parcel.data, len(parcel.descriptors), len(parcel.buffers)))
            descriptors += parcel.descriptors
            buffers += [buffer.raw() for buffer in parcel.buffers]
        else:
            entries.append(parcel.data)
    return Cargo(EACH, pickle.dumps(entries, 5), tuple(descriptors), tuple(buffers))


def _plain_will_do() -> bool:
    reduction: Any = sys.modules.get(
        "multiprocessing.reduction"
    )  # not loaded: nobody has registered anything
    return reduction is None or carry.plain_will_do(reduction.ForkingPickler._extra_reducers)  # noqa: SLF001


def _quickly(payload: object) -> bytes:
    """One call of the C pickler; raises NotQuick for what has descriptors or large buffers inside."""
    return pickle.dumps(payload, 5, buffer_callback=carry.only_small)


carry.quick_callers.add(_quickly.__code__)


def _all_plain(payloads: Sequence[Any]) -> bool:
    kinds = set(map(type, payloads))
    if kinds <= PLAIN:
        return True
    if not kinds <= PLAIN | _TUPLE:
        return False
    return all(
        type(payload) is not tuple or (len(payload) <= _LOOKED_AT and PLAIN.issuperset(map(type, payload)))
        for payload in payloads
    )
