"""The child's side: read a flight, do its tasks, write each outcome down, say that it has landed.

A worker waits for nothing but its own channel, shares no lock with anybody, and never decides
anything: when the channel ends it goes home.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import pickle
import sys
import time
from functools import partial
from itertools import islice

from procession.errors import ChannelClosed
from procession.ipc import carry
from procession.ipc.faults import pack_error
from procession.ipc.spares import Spares
from procession.linux import membarrier
from procession.pool.ear import Ear
from procession.pool.messages import (
    EACH,
    FLIGHT,
    FORGET,
    LANDED,
    RANGE,
    READY,
    SPILLED,
    WORK,
    Head,
    receive,
    send,
)
from procession.pool.page import (
    BEGUN,
    CLAIM,
    ELSEWHERE,
    ERROR,
    FLOATS,
    INTS,
    LIMIT,
    MARK,
    NONES,
    NOTE_LENGTH,
    PLAIN,
    SEALED,
    STOP,
    VALUE,
    VERSION,
    Page,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from procession.pool.messages import Packet

    Call = Callable[[Any], object]
    Handler = Callable[["Context", Any], object]

# What a job's function is given of a task, and the jobs that every worker knows.
ITEM, STAR = 0, 1
CALLS, HANDLER = 0, 1
FIRST_JOB = 2


class Context:
    """What a handler may use of its worker."""

    __slots__ = ("_page", "gauges", "note", "note_steps", "pid", "setup", "state", "step")

    def __init__(self, page: Page, setup: Any = None) -> None:
        self._page = page
        #: the worker's process.
        self.pid = os.getpid()
        #: what the crew was given as ``setup``.
        self.setup = setup
        #: the handler's own, kept from task to task.
        self.state: Any = None
        #: int64 counters that the parent may read at any time; they only ever grow.
        self.gauges = page.gauges
        #: ``note(text)``: what exactly the worker is at, for the report of its death.
        self.note = page.note
        #: ``note_steps(texts)`` and ``step[0] = n``: the same for many short steps, a store for each.
        self.note_steps = page.note_steps
        self.step = page.step

    @property
    def stopping(self) -> bool:
        """True once the parent wants the worker to finish what is in its hands and no more."""
        return self._page.slots[STOP] != 0


def serve(
    sock: socket.socket,
    page: Page,
    handler: Handler | None = None,
    setup: Any = None,
    *,
    seal: bool = False,
) -> None:
    """Work until the channel ends.  ``seal``: call membarrier.register, see there."""
    worker = Worker(sock, page)
    if handler is not None:
        worker.calls[HANDLER] = partial(handler, Context(page, setup))
    try:
        send(sock, Head(READY, number=os.getpid()))
        worker.obey(receive(sock, 0, worker.spares))
        if seal:  # not before the first flight: it costs an interpreter that has just been started 5 ms
            membarrier.register()
            page.slots[SEALED] = 1
        ear = Ear(sock, spares=worker.spares)
        while True:
            worker.obey(ear.receive())
    except ChannelClosed:
        return


class Worker:
    """The state of a worker between two messages: the functions of its jobs."""

    def __init__(self, sock: socket.socket, page: Page) -> None:
        self._sock = sock
        self._page = page
        self._pid = os.getpid()
        self.spares = Spares()
        self.calls: dict[int, Call] = {CALLS: _call}
        _own.append(self)

    strayed = False  # true: this is a copy, in a child that a task has forked
    array: memoryview | None = None  # where the flight under way keeps its outcomes

    def obey(self, packet: Packet) -> None:
        """Do what the parent has asked for."""
        head = packet.head
        if head.kind == FLIGHT:
            _Journey(self._sock, self._page, self, head).fly(packet, self.calls[head.work])
        elif head.kind == WORK:
            self.calls[head.work] = _function(packet)
        elif head.kind == FORGET:
            self.calls.pop(head.work, None)

    def stray(self, task: int, error: BaseException | None) -> None:
        """A child that a task has forked came back out of it: the tasks, the page and the channel are not its
        own.  It ends here, as it would have at the end of its main."""
        try:
            import traceback

            words = "".join(traceback.format_exception(error)) if error is not None else "it returned"
            sys.stderr.write(f"a child that worker {self._pid} forked in task {task}: {words}\n")
            sys.stderr.flush()
        finally:
            os._exit(1)


_KINDS = {int: INTS, float: FLOATS, type(None): NONES}


class _Full(Exception):
    """The journal has no room for a further entry: the flight ends here."""


class _Journey:
    """One flight in the worker's hands."""

    __slots__ = (
        "_alike",
        "_array",
        "_at",
        "_half",
        "_head",
        "_page",
        "_slowest",
        "_sock",
        "_worker",
        "_write",
    )

    def __init__(self, sock: socket.socket, page: Page, worker: Worker, head: Head) -> None:
        self._sock = sock
        self._page = page
        self._worker = worker
        self._head = head
        self._half = head.number & 1
        self._at = 0
        self._array: memoryview | None = None  # while all outcomes are of the type ``_alike``
        self._alike: type = type(None)
        self._slowest = (0, 0.0)

    def fly(self, packet: Packet, call: Call) -> None:
        """Do the tasks, as far as the parent lets us."""
        head, begun = self._head, time.monotonic()
        self._write = self._page.open_journal(head.number)
        if head.form == EACH:
            tasks = _Entries(packet)
            try:
                self._do(tasks, partial(_unpacked, call))
            finally:
                tasks.close()
                self._worker.spares.clear()
        elif head.form == RANGE:
            self._do(iter(range(*marshal.loads(packet.data))), call)
        else:
            self._do(iter(marshal.loads(packet.data)), call)
        slowest, longest = self._slowest
        seconds = time.monotonic() - begun
        send(self._sock, Head(LANDED, 0, head.work, head.number, self._at, slowest, seconds, longest))

    def _do(self, tasks: Iterator[Any], call: Call) -> None:
        slots, count, claim = self._page.slots, self._head.count, self._head.claim
        claims, limits = CLAIM + self._half, LIMIT + self._half
        run = self._watched if claim == 1 else self._run
        try:
            while self._at < count and not slots[STOP]:
                until = min(self._at + claim, count)
                if claim == 1:
                    # Before the claim: the parent judges the time of a task that it sees claimed.
                    slots[BEGUN] = time.monotonic_ns()
                slots[claims] = until
                # From here on the parent knows, or has set a limit that we see: it takes back what lies
                # beyond both (membarrier.py), and we need no barrier.
                if slots[limits] < until:
                    until = slots[limits]
                    if until <= self._at:
                        return
                slots[NOTE_LENGTH] = 0  # the note of another task would mislead
                run(islice(tasks, until - self._at), call)
        except _Full:
            return

    def _run(self, tasks: Iterable[Any], call: Call) -> None:
        """Do tasks, one after another, each outcome marked before the next begins."""
        if not self._at:
            tasks = self._first(tasks, call)
        if self._array is not None:
            self._run_alike(tasks, call, self._array, self._alike)
        self._run_any(tasks, call)

    def _first(self, tasks: Iterable[Any], call: Call) -> Iterable[Any]:
        """The first task: what the others are expected to be like."""
        rest = iter(tasks)
        try:
            value: Any = call(next(rest))
        except BaseException as error:  # SystemExit too: every task has an outcome
            self._enter_error(0, error)
            self._done_with(0)
            return rest
        kind = _KINDS.get(type(value))
        if kind is not None:
            self._array = self._worker.array = self._page.open_array(self._half, kind)
            self._alike = type(value)
        self._settle(0, value)
        return rest

    def _run_alike(self, tasks: Iterable[Any], call: Call, array: memoryview, alike: type) -> None:
        """While all outcomes are of one type: a store for each, and one for its mark."""
        at, slots, mark, worker = self._at, self._page.slots, MARK + self._half, self._worker
        keep = alike is not type(None)
        for task in tasks:
            try:
                value: Any = call(task)
            except BaseException as error:
                self._leave_array(at)
                self._enter_error(at, error)
                self._done_with(at)
                return
            try:
                if type(value) is not alike:  # what __class__ says may be a lie
                    raise ValueError
                if keep:
                    array[at] = value  # type: ignore[call-overload]
                elif worker.strayed:
                    raise ValueError
            except (ValueError, IndexError):  # of another type, more than 64 bits, beyond the end; or a stray
                self._leave_array(at)
                self._settle(at, value)
                return
            at += 1
            slots[mark] = at
        self._at = at

    def _run_any(self, tasks: Iterable[Any], call: Call) -> None:
        at, slots, mark, worker = self._at, self._page.slots, MARK + self._half, self._worker
        write, dumps, plain, version = self._write, marshal.dumps, PLAIN, VERSION
        for task in tasks:
            try:
                value: Any = call(task)
            except BaseException as error:
                self._enter_error(at, error)
            else:
                if worker.strayed:
                    worker.stray(at, None)
                if type(value) in plain:
                    try:
                        write(dumps(value, version))
                    except ValueError:
                        self._enter(at, value)
                else:
                    del task  # the memory that its large buffers lie in may take the outcome
                    self._enter(at, value)
            at += 1
            slots[mark] = at
        self._at = at

    def _settle(self, at: int, value: Any) -> None:
        """The outcome of one task, wherever it belongs."""
        if self._worker.strayed:
            self._worker.stray(at, None)
        array = self._array
        if array is None or not self._stored(array, at, value):
            self._enter(at, value)
        self._done_with(at)

    def _stored(self, array: memoryview, at: int, value: Any) -> bool:
        if value is not None:
            try:
                array[at] = value
            except (ValueError, IndexError):
                self._leave_array(at)
                return False
        return True

    def _leave_array(self, at: int) -> None:
        if self._worker.strayed:
            self._worker.stray(at, None)
        self._at = at
        self._page.close_array(self._half, at)
        self._array = None

    def _done_with(self, at: int) -> None:
        self._at = at + 1
        self._page.slots[MARK + self._half] = at + 1

    def _watched(self, tasks: Iterable[Any], call: Call) -> None:
        """One task, and how long it takes."""
        begun = time.monotonic()
        self._run(tasks, call)
        seconds = time.monotonic() - begun
        if seconds > self._slowest[1]:
            self._slowest = (self._at - 1, seconds)

    def _enter(self, at: int, value: object) -> None:
        try:
            parcel = carry.pack(value, out_of_band=True)
        except BaseException as error:
            with contextlib.suppress(Exception):  # a frozen dataclass refuses notes
                error.add_note(f"(the result of the task, a {type(value).__qualname__}, cannot be sent)")
            self._enter_error(at, error)
            return
        if parcel.descriptors or parcel.buffers or not self._fits(VALUE, parcel.data):
            self._spill(at, VALUE, parcel)

    def _enter_error(self, at: int, error: BaseException) -> None:
        if self._worker.strayed:
            self._worker.stray(at, error)
        data = pack_error(_without_ourselves(error))
        if not self._fits(ERROR, data):
            self._spill(at, ERROR, carry.Parcel(data, (), ()))

    def _fits(self, kind: int, data: bytes) -> bool:
        try:
            self._write(marshal.dumps((kind, data), VERSION))
        except ValueError:
            return False
        return True

    def _spill(self, at: int, kind: int, parcel: carry.Parcel) -> None:
        """Send an outcome before it is marked: a death between the two must not lose it."""
        head = Head(SPILLED, kind, number=self._head.number, count=at)
        buffers = [buffer.raw() for buffer in parcel.buffers]
        send(self._sock, head, parcel.data, parcel.descriptors, buffers, spares=self._worker.spares)
        if not self._fits(ELSEWHERE, b""):
            self._at = at + 1
            raise _Full


class _Entries:
    """The tasks of a flight that are pickled one by one; those that are not begun keep their descriptors."""

    def __init__(self, packet: Packet) -> None:
        self._entries: Iterator[Any] = iter(pickle.loads(packet.data))
        if packet.buffers and isinstance(packet.data, memoryview):
            packet.data.release()  # it looks into the memory that they lie in
        self._descriptors = packet.descriptors
        self._buffers = packet.buffers or []

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        entry = next(self._entries)
        if type(entry) is bytes:
            return entry
        data, descriptors, buffers = entry
        mine = self._descriptors[:descriptors], self._buffers[:buffers]
        del self._descriptors[:descriptors], self._buffers[:buffers]
        return (data, *mine)

    def close(self) -> None:
        """Close what nobody will unpack."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors, self._buffers = [], []


def _unpacked(call: Call, entry: Any) -> object:
    if type(entry) is bytes:
        return call(pickle.loads(entry))
    return call(carry.unpack(*entry))


def _call(task: tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]) -> object:
    function, args, kwds = task
    return function(*args, **kwds)


def _star(function: Callable[..., object], task: Iterable[Any]) -> object:
    return function(*task)


def _function(packet: Packet) -> Call:
    try:
        function = carry.unpack(packet.data, packet.descriptors, packet.buffers)
    except BaseException as error:
        return partial(_raise, error)
    return partial(_star, function) if packet.head.form == STAR else function


def _raise(error: BaseException, _task: object) -> object:
    raise error


def _without_ourselves(error: BaseException) -> BaseException:
    """The error, its traceback without the frames of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return error.with_traceback(trace) if trace is not None else error


_own: list[Worker] = []


def _forked() -> None:
    for worker in _own:
        worker.strayed = True
        if worker.array is not None:
            worker.array.release()  # a store into it is how a stray is told from its worker, at no cost


os.register_at_fork(after_in_child=_forked)
