"""Each child is reaped the moment it ends, whether or not anybody joins it.

::

    pidfd of each child ─┐
    line of each child ──┼──▶ epoll ──▶ one thread ──▶ collect ──▶ estate.settle, listeners
    eventfd: look again ─┘      ▲
                                └── join() and poll() in other threads collect as well: the lock decides

The thread starts with the first child, and ends a moment after the last (the next one may come at once).
It is a raw thread, so that nobody's books of threads change, and holds all signals blocked; as long as there
are children it sleeps in epoll_wait(2) for ever: nothing polls.

Forks: the thread does all its work with the lock held, and os.fork (anybody's) takes the lock first.  A
child is therefore never a copy of a half-done step; in it the reaper is empty again.  A fork sees a thread
without children off before it begins, so that a process which has none is single-threaded when it forks.
No ``SIGCHLD`` handler, and only children that were given to ``watch`` are waited for, each by its pidfd.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import signal
import threading
import time

from procession.ipc import estate
from procession.linux.pidfd import wait_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from procession.process.handle import Handle

PATIENCE = 1.0  # seconds to wait for a status that a fork server is about to tell
LINGER = 0.1  # seconds that the thread stays without a child
_LONGEST = 3600.0  # seconds; epoll takes a C int of milliseconds


class _State:
    """All that the reaper of one process has; a forked child gets a new one."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.handles: dict[int, Handle] = {}  # by descriptor; a handle may have two
        self.epoll: select.epoll | None = None
        self.wake = -1  # eventfd
        self.running = False
        self.leave = False  # without a child, do not linger
        self.put_off = 0  # so many are about to make more children: the thread can wait
        self.here: _thread.LockType | None = None  # free once ``native`` is known
        self.native = 0  # the thread's id in the kernel, until ``rest`` has seen it off
        self.gone: _thread.LockType | None = None  # held by the thread until its last step


_state = _State()
_here = threading.local()  # .reaping: this is a reaper's thread


def lock() -> threading.RLock:
    """Guards handles and their ends; also held over each fork."""
    return _state.lock


def watch(handle: Handle) -> None:
    """Reap this child when it ends, and enforce its deadline.  Again: when ``descriptors`` has changed."""
    state = _state
    with state.lock:
        wanted = set(handle.descriptors())
        _unwatch(state, handle, handle.watched - wanted)
        fresh, handle.watched = wanted - handle.watched, wanted
        for fd in fresh:
            state.handles[fd] = handle
        if not state.running:
            if not state.put_off:
                _start(state)
        elif state.epoll is not None:
            for fd in fresh:
                state.epoll.register(fd, select.EPOLLIN)
        if handle.deadline is not None:
            _call(state)


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Several children are made in this block: the thread, if it is not there yet, starts at its end.

    Each fork would have to wait for it.  Children that end meanwhile are reaped at the end of the block.
    """
    state = _state
    with state.lock:
        state.put_off += 1
    try:
        yield
    finally:
        with state.lock:
            state.put_off -= 1
            if not state.put_off and state.handles and not state.running and state is _state:
                _start(state)


def unwatch(handle: Handle) -> None:
    """Nobody needs to know of this one any more."""
    with _state.lock:
        _unwatch(_state, handle, handle.watched)


def look(handle: Handle) -> None:
    """Collect the end of this child if it has come.  Never waits (for a fork server, a moment)."""
    if not wait_exit(handle.sentinel, 0):
        return
    from procession.process.start import SignalsHeld

    state = _state
    with SignalsHeld(), state.lock:  # or a signal's handler that looks as well would come in between
        fresh = handle.exit is None and handle.collect(PATIENCE)
        if fresh:
            _forget(state, handle)
    if fresh:
        _announce(handle)


def look_again(handles: Iterable[Handle]) -> None:
    """Something has changed for these: collect those that have ended."""
    state = _state
    with state.lock:
        ended = [handle for handle in handles if handle.exit is None and handle.collect()]
        for handle in ended:
            _forget(state, handle)
    for handle in ended:
        _announce(handle)


def reschedule() -> None:
    """A deadline has changed."""
    with _state.lock:
        _call(_state)


def rest() -> None:
    """When no child is left, see the thread off at once, so that the process is single-threaded again."""
    state = _state
    gone = state.gone
    if gone is None or getattr(_here, "reaping", False):
        return
    with state.lock:
        if state.handles:
            return
        state.leave = True
        _call(state)
    if gone.acquire(timeout=PATIENCE):
        gone.release()
        # Its last microseconds are in C, and nothing tells of their end.
        until = time.monotonic() + 0.01
        while os.path.exists(f"/proc/self/task/{state.native}") and time.monotonic() < until:
            os.sched_yield()
    if state.gone is gone:
        state.gone, state.here, state.native = None, None, 0


def is_only_other_thread() -> bool:
    """Is this thread alone, but for the reaper (which cannot be in the middle of anything at a fork)?"""
    rest()
    if _state.here is not None:
        _state.here.acquire()  # it has not said yet which thread it is
        _state.here.release()
    threads = {int(name) for name in os.listdir("/proc/self/task")}
    return threads <= {threading.get_native_id(), _state.native}


def _start(state: _State) -> None:
    state.epoll = select.epoll()
    state.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    state.epoll.register(state.wake, select.EPOLLIN)
    for fd in state.handles:
        state.epoll.register(fd, select.EPOLLIN)
    state.here = here = _thread.allocate_lock()
    here.acquire()
    state.gone = _thread.allocate_lock()
    state.gone.acquire()
    try:
        _thread.start_new_thread(_run, (state, state.epoll, here))
        state.running = True
    except RuntimeError:  # the interpreter is shutting down, or no thread is to be had
        state.gone = state.here = None
        _stop(state)


def _run(state: _State, epoll: select.epoll, here: _thread.LockType) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    state.native = threading.get_native_id()
    _here.reaping = True
    here.release()
    gone = state.gone
    assert gone is not None
    try:
        while _step(state, epoll):
            pass
    finally:
        gone.release()


def _step(state: _State, epoll: select.epoll) -> bool:
    """Sleep until something happens and see to it; False when no child is left."""
    events = epoll.poll(_seconds_to_next(state))
    with state.lock:
        touched = {handle for fd, _ in events if (handle := state.handles.get(fd)) is not None}
        if any(fd == state.wake for fd, _ in events):
            os.eventfd_read(state.wake)
        ended = [handle for handle in touched if handle.collect()]
        for handle in ended:
            _forget(state, handle)
        for handle in touched.difference(ended):
            # What has told all that it had to tell would wake us again and again.
            _unwatch(state, handle, handle.watched.difference(handle.descriptors()))
        now = time.monotonic()
        for handle in set(state.handles.values()):
            if handle.deadline is not None and handle.deadline <= now:
                handle.on_deadline(now)
        last = not state.handles and (state.leave or not events)
        if last:
            _stop(state)
    for handle in ended:
        _announce(handle)
    return not last


def _announce(handle: Handle) -> None:
    estate.settle(handle.pid)
    handle.announce()


def _forget(state: _State, handle: Handle) -> None:
    _unwatch(state, handle, handle.watched)
    handle.let_go()  # only now: what is closed while it is watched can haunt an epoll (epoll(7), Q6)


def _unwatch(state: _State, handle: Handle, descriptors: set[int]) -> None:
    for fd in descriptors:
        del state.handles[fd]
        if state.epoll is not None:
            state.epoll.unregister(fd)
    handle.watched = handle.watched - descriptors
    if not state.handles:
        _call(state)  # it sleeps for ever, and may go now


def _call(state: _State) -> None:
    if state.wake >= 0:
        os.eventfd_write(state.wake, 1)


def _stop(state: _State) -> None:
    if state.epoll is not None:
        state.epoll.close()
        os.close(state.wake)
    state.epoll, state.wake, state.running, state.leave = None, -1, False, False


def _seconds_to_next(state: _State) -> float:
    with state.lock:
        if not state.handles:
            return 0 if state.leave else LINGER
        deadlines = [handle.deadline for handle in state.handles.values() if handle.deadline is not None]
    if not deadlines:
        return -1
    return min(max(min(deadlines) - time.monotonic(), 0), _LONGEST)


def _before_fork() -> None:
    rest()
    _state.lock.acquire()


def _after_fork_in_parent() -> None:
    _state.lock.release()


def _after_fork_in_child() -> None:
    global _state
    old, _state = _state, _State()
    for handle in set(old.handles.values()):
        handle.close_in_fork()
    _stop(old)


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
)
