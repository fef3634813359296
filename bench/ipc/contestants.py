"""Who takes part.  Adding one is adding a class to ``QUEUES`` or ``PIPES``.

Each gets the same work in its own best everyday form: items are put and got one by one; for large arrays
pyzmq sends pickle-5 buffers as frames without copying, faster-fifo has room for eight of them.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.kit.contest import Contestant
from bench.kit.figures import OURS

Put = Callable[[Any], object]
Get = Callable[[], Any]

_FOR_EVER = 1e6  # seconds; faster-fifo gives up after 10 unless told otherwise


def _nothing() -> None:
    pass


class Ours(Contestant):
    name = OURS
    module = "procession"

    def make(self, _consumers: int, _folder: Path, _large: bool) -> Any:
        from procession.ipc.queues import Queue

        return Queue()

    def producer(self, shared: Any) -> tuple[Put, Callable[[], object]]:
        """How a child puts, and what it does at its end."""
        return shared.put, _nothing

    def consumer(self, shared: Any, _index: int) -> Get:
        """How a child gets; never returns to the caller's code but with an item."""
        get: Get = shared.get
        return get


class Standard(Ours):
    name = "multiprocessing.Queue"
    module = "multiprocessing"

    def make(self, _consumers: int, _folder: Path, large: bool) -> Any:
        # Without a bound its feeder's buffer would hold every array at once.
        return multiprocessing.get_context("fork").Queue(8 if large else 0)

    def producer(self, shared: Any) -> tuple[Put, Callable[[], object]]:
        def finish() -> None:
            shared.close()
            shared.join_thread()

        return shared.put, finish


class FasterFifo(Ours):
    name = "faster-fifo"
    module = "faster_fifo"
    package = "faster-fifo"

    def make(self, _consumers: int, _folder: Path, large: bool) -> Any:
        import faster_fifo

        return faster_fifo.Queue((80 << 20) if large else 1_000_000)

    def producer(self, shared: Any) -> tuple[Put, Callable[[], object]]:
        return lambda item: shared.put(item, timeout=_FOR_EVER), _nothing

    def consumer(self, shared: Any, _index: int) -> Get:
        return lambda: shared.get(timeout=_FOR_EVER)


class ZeroMq(Ours):
    """Each consumer binds a PULL socket, each producer connects its PUSH socket to all of them."""

    name = "pyzmq"
    module = "zmq"
    package = "pyzmq"

    def make(self, consumers: int, folder: Path, large: bool) -> Any:
        import zmq  # noqa: F401 - before the fork, as the others have it

        return [f"ipc://{folder}/{index}" for index in range(consumers)], large

    def producer(self, shared: Any) -> tuple[Put, Callable[[], object]]:
        import zmq

        endpoints, large = shared
        context = zmq.Context()
        socket = context.socket(zmq.PUSH)
        if large:
            socket.sndhwm = 8
        for endpoint in endpoints:
            socket.connect(endpoint)

        def put(item: Any) -> None:
            buffers: list[pickle.PickleBuffer] = []
            data = pickle.dumps(item, 5, buffer_callback=buffers.append)
            socket.send_multipart([data, *buffers], copy=False)

        def finish() -> None:
            socket.close()
            context.term()

        return put if large else lambda item: socket.send(pickle.dumps(item, 5)), finish

    def consumer(self, shared: Any, index: int) -> Get:
        import zmq

        endpoints, large = shared
        socket = zmq.Context().socket(zmq.PULL)
        if large:
            socket.rcvhwm = 8
        socket.bind(endpoints[index])

        def get() -> Any:
            data, *buffers = socket.recv_multipart(copy=False)
            return pickle.loads(data.buffer, buffers=[frame.buffer for frame in buffers])

        return get if large else lambda: pickle.loads(socket.recv())


QUEUES: tuple[Ours, ...] = (Ours(), Standard(), FasterFifo(), ZeroMq())


def our_pipe() -> tuple[Any, Any]:
    from procession.ipc.connection import Pipe

    return Pipe()


PIPES: dict[str, Callable[[], tuple[Any, Any]]] = {
    OURS: our_pipe,
    "multiprocessing.Pipe": multiprocessing.Pipe,
}
