"""The contestants: each makes a way from producers to consumers that are forked afterwards."""

from __future__ import annotations

import importlib.util
import multiprocessing
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Put = Callable[[Any], object]
Get = Callable[[], Any]
PATIENCE = 600.0  # seconds; faster-fifo gives up after 10 unless it is told a time
ROOM = 256 << 20  # bytes; faster-fifo's fixed capacity: enough for all that is under way


class Peer:
    """``put``/``get`` are asked for in the producer's or consumer's own process, by its number."""

    name = ""
    module = ""

    @classmethod
    def there(cls) -> bool:
        """Is it installed?"""
        return not cls.module or importlib.util.find_spec(cls.module) is not None

    def __init__(self, consumers: int) -> None:
        self.consumers = consumers

    def put(self) -> Put:
        raise NotImplementedError

    def get(self, _number: int) -> Get:
        raise NotImplementedError

    def finish(self) -> None:
        """The last thing that a producer does."""


class Ours(Peer):
    name = "procession"

    def __init__(self, consumers: int) -> None:
        super().__init__(consumers)
        from procession.ipc.queues import Queue

        self.queue: Queue[Any] = Queue()

    def put(self) -> Put:
        return self.queue.put

    def get(self, _number: int) -> Get:
        return self.queue.get


class Standard(Peer):
    name = "multiprocessing"

    def __init__(self, consumers: int) -> None:
        super().__init__(consumers)
        self.queue = multiprocessing.get_context("fork").Queue()

    def put(self) -> Put:
        return self.queue.put

    def get(self, _number: int) -> Get:
        return self.queue.get

    def finish(self) -> None:
        self.queue.close()
        self.queue.join_thread()


class FasterFifo(Peer):
    name = "faster-fifo"
    module = "faster_fifo"

    def __init__(self, consumers: int) -> None:
        super().__init__(consumers)
        import faster_fifo

        self.queue: Any = faster_fifo.Queue(max_size_bytes=ROOM)

    def put(self) -> Put:
        return lambda item: self.queue.put(item, timeout=PATIENCE)

    def get(self, _number: int) -> Get:
        return lambda: self.queue.get(timeout=PATIENCE)


class Zmq(Peer):
    """PUSH to PULL over ipc://, without a limit, so that each consumer is sent the same number."""

    name = "pyzmq"
    module = "zmq"

    def __init__(self, consumers: int) -> None:
        super().__init__(consumers)
        self.folder = Path(tempfile.mkdtemp(prefix="pn-bench-zmq-"))
        self.socket: Any = None
        self.context: Any = None

    def _open(self, kind: str) -> Any:
        import zmq

        self.context = zmq.Context()
        self.socket = self.context.socket(getattr(zmq, kind))
        self.socket.set_hwm(0)
        return self.socket

    def put(self) -> Put:
        socket = self._open("PUSH")
        for number in range(self.consumers):
            socket.connect(f"ipc://{self.folder}/{number}")
        return lambda item: socket.send(pickle.dumps(item, 5))

    def get(self, _number: int) -> Get:
        socket = self._open("PULL")
        socket.bind(f"ipc://{self.folder}/{_number}")
        return lambda: pickle.loads(socket.recv())

    def finish(self) -> None:
        self.socket.close()
        self.context.term()  # waits until everything has been taken


QUEUES: tuple[type[Peer], ...] = (Ours, Standard, FasterFifo, Zmq)
OURS, STANDARD, FIFO = Ours.name, Standard.name, FasterFifo.name
