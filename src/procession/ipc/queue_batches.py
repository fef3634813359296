"""Several items in one go: one write for up to eight of them, one read for hundreds."""
# ruff: noqa: SLF001 - two methods of Classic, moved here for their length

from __future__ import annotations

import time
from queue import Full

from procession.ipc.queue_lane import NOTHING
from procession.ipc.queue_take import Failure, Opened
from procession.linux.fixedpipe import TOGETHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from procession.ipc.queue_classic import Classic
    from procession.ipc.queue_put import Ready


def put_many(queue: Classic[Any], items: Iterable[Any], block: bool, timeout: float | None) -> None:
    """See Classic.put_many."""
    ends_at = None if timeout is None else time.monotonic() + timeout
    ready: list[Ready] = []
    done = 0
    try:
        for item in items:
            pickled = queue._prepare(item)
            if pickled is not None:
                ready.append(pickled)
        while done < len(ready):
            left = None if ends_at is None else max(0, ends_at - time.monotonic())
            # With a bound one by one: as many as there is room for go in.
            batch = _short_ones(ready, done, 1 if queue._bound else TOGETHER)
            if batch:
                queue._post(b"".join(batch), block, left)
            else:
                queue._send(ready[done], block, left)
            done += len(batch) or 1
    except Full as error:
        error.put = done  # type: ignore[attr-defined]
        raise
    finally:
        for pickled in ready[done:]:
            pickled.close()


def _short_ones(ready: list[Ready], start: int, most: int) -> list[bytes]:
    """The records from ``start`` on that can be written together."""
    batch = []
    for pickled in ready[start : start + most]:
        if not pickled.is_short():
            break
        batch.append(pickled.record())
    return batch


def get_many(queue: Classic[Any], max_items: int | None, block: bool, timeout: float | None) -> list[Any]:
    """See Classic.get_many."""
    if max_items is not None and max_items < 1:
        raise ValueError(f"max_items must be 1 or more, not {max_items}")
    line = queue._line
    limit = line.capacity if max_items is None else max_items
    found = [queue.get(block, timeout)]
    try:
        while len(found) < limit:
            if not line.saved:
                data = queue._take_records(limit - len(found))
                if not data:
                    break
                line.save(data)
            obj = queue._take_now()
            if obj is not NOTHING:
                found.append(obj)
    except Exception as error:
        line.saved.appendleft(
            (Failure(error),)
        )  # what does not unpickle raises in the next call, at its place
    except BaseException:
        line.saved.extendleft((Opened(obj),) for obj in reversed(found))
        raise
    return found
