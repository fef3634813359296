"""Programs that use the face: run by test_face.py, each in a process of its own."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from procession import mp
from tests.unit.mp.programs import main

PARTS = ("Queue", "SimpleQueue", "JoinableQueue", "Lock", "RLock", "Semaphore", "Event", "Condition")


def where() -> dict[str, str]:
    """What a library sees that imports multiprocessing now."""
    import multiprocessing
    import multiprocessing.connection
    from concurrent.futures.process import _SafeQueue
    from multiprocessing import Process, get_context, queues, synchronize, util
    from multiprocessing.pool import Pool

    assert sys.modules["multiprocessing.queues"] is queues
    assert issubclass(_SafeQueue, queues.Queue)
    return {
        "package": multiprocessing.__name__,
        "queues": queues.__name__,
        "synchronize": synchronize.__name__,
        "connection": multiprocessing.connection.__name__,
        "Pool": Pool.__module__,
        "Process": Process.__module__,
        "Queue": type(get_context().Queue()).__module__,
        "util": util.__name__,
        "method": multiprocessing.get_start_method(),
    }


OURS = {
    "package": "procession.mp",
    "queues": "procession.mp.queues",
    "synchronize": "procession.mp.synchronize",
    "connection": "procession.mp.connection",
    "Pool": "procession.mp.pool",
    "Process": "procession.mp.context",
    "util": "multiprocessing.util",
}


def tell(conn: Any) -> None:
    conn.send(where())


def seen_in_children(method: str) -> None:
    mp.install()
    import multiprocessing

    multiprocessing.set_start_method(method)
    here = where()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=tell, args=(sender,))
    process.start()
    there = receiver.recv()
    process.join()
    assert {**here, **OURS} == here, here
    assert there == here, there
    assert here["Queue"].startswith("procession."), here
    assert here["method"] == method


def not_seen_without_install(method: str) -> None:
    """Who imports procession.mp and installs nothing changes nothing for others, here and in children."""
    context: Any = mp.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=tell, args=(sender,))
    process.start()
    there = receiver.recv()
    process.join()
    assert there["package"] == where()["package"] == "multiprocessing"


def uninstalled_again() -> None:
    import multiprocessing.queues as before

    mp.install()
    mp.install()
    import multiprocessing.queues as ours

    mp.uninstall()
    mp.uninstall()
    import multiprocessing.managers
    import multiprocessing.queues as after

    assert ours is mp.queues
    assert before is after
    assert after.__name__ == "multiprocessing.queues"
    assert multiprocessing.managers.__name__ == "multiprocessing.managers"
    assert where()["package"] == "multiprocessing"


def square(number: int) -> int:
    return number * number


def executor(method: str) -> None:
    mp.install()
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(square, range(20))) == [number * number for number in range(20)]


def pool(method: str) -> None:
    context: Any = mp.get_context(method)
    with context.Pool(2) as workers:
        assert workers.map(square, range(50)) == [number * number for number in range(50)]
        assert sorted(workers.imap_unordered(square, range(5), 2)) == [0, 1, 4, 9, 16]
        result = workers.apply_async(divide, (1, 0))
        with pytest.raises(ZeroDivisionError) as caught:
            result.get(20)
        assert "in divide" in str(caught.value.__cause__)


def divide(one: float, other: float) -> float:
    return one / other


if __name__ == "__main__":
    main(globals())
