"""``wait`` for several connections, sockets, sentinels at once."""

from __future__ import annotations

import time

from procession.ipc.classic import classic
from procession.ipc.pipes import PipeEnd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from procession.ipc.lent import Holders


def wait(object_list: Iterable[Any], timeout: float | None = None) -> list[Any]:
    """Those that are readable or at their end, once there are any; none after ``timeout`` seconds.

    Objects: connections, sockets, anything with ``fileno()``, descriptors as numbers.
    """
    objects = list(object_list)
    lent = {
        id(obj): holders
        for obj in objects
        if isinstance(obj, PipeEnd) and (holders := obj.holders_of_the_other_end()) is not None
    }
    plain = classic("connection").wait
    if not lent:
        found: list[Any] = plain(objects, timeout)
        return found
    return _wait_with(objects, lent, timeout)


def _wait_with(objects: list[Any], lent: dict[int, Holders], timeout: float | None) -> list[Any]:
    plain = classic("connection").wait
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        gone = {key for key, holders in lent.items() if not holders.void and holders.are_gone()}
        pidfds = {pidfd for holders in lent.values() if not holders.void for pidfd in holders.pidfds()}
        left = None if deadline is None else deadline - time.monotonic()
        ready = {id(obj) for obj in plain([*objects, *pidfds], 0 if gone else left)}
        found = [obj for obj in objects if id(obj) in ready or id(obj) in gone]
        if found or not ready:
            return found
