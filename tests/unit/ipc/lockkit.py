"""Children for the tests of what processes share: forked, or fresh interpreters that get a parcel.

::

    child = start("fresh", holds, lock)      runs holds(ear, lock) over there
    child.hear("has it")                     what it says, in order, with a deadline
    child.tell("go on"); child.kill(); child.join()
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from procession.ipc import carry

DEADLINE = 20.0
METHODS = ("fork", "fresh")


def until(condition: Callable[[], object]) -> None:
    """Look again and again: for states that nothing announces."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it does not come to pass"
        os.sched_yield()


@contextmanager
def family() -> Iterator[Callable[..., Child]]:
    """``start`` for one test: whoever still lives at its end is killed."""
    children: list[Child] = []

    def begin(method: str, function: Callable[..., object], *args: object) -> Child:
        children.append(start(method, function, *args))
        return children[-1]

    try:
        yield begin
    finally:
        for child in children:
            child.end()


class Ear:
    """A child's side: ``say`` to the test, ``listen`` for it."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming = incoming
        self.outgoing = outgoing

    def say(self, word: str) -> None:
        os.write(self.outgoing, f"{word}\n".encode())

    def listen(self) -> str:
        return _line(self.incoming)

    def listen_for(self, seconds: float) -> bool:
        """Wait so long at most for something to be said; was it?"""
        return bool(select.select([self.incoming], [], [], seconds)[0])


class Child:
    """The test's side."""

    def __init__(self, pid: int, incoming: int, outgoing: int) -> None:
        self.pid = pid
        self.ear = Ear(incoming, outgoing)
        self.reaped: int | None = None

    def hear(self, word: str) -> None:
        said = self.ear.listen()
        assert said == word, f"child {self.pid} said {said!r} and not {word!r}"

    def silent(self, seconds: float) -> bool:
        return not self.ear.listen_for(seconds)

    def tell(self, word: str = "") -> None:
        self.ear.say(word)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is dead; it stays a zombie."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def join(self) -> int:
        """Wait for its end and reap it; its exit code, or minus the signal."""
        if self.reaped is None:
            pidfd = os.pidfd_open(self.pid)
            try:
                assert select.select([pidfd], [], [], DEADLINE)[0], f"child {self.pid} does not end"
            finally:
                os.close(pidfd)
            self.reaped = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.ear.incoming)
            os.close(self.ear.outgoing)
        return self.reaped

    def end(self) -> None:
        if self.reaped is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.join()


def start(method: str, function: Callable[..., object], *args: object) -> Child:
    """Run ``function(ear, *args)`` in a new process."""
    ours_in, theirs_out = os.pipe()
    theirs_in, ours_out = os.pipe()
    pid = (_fork if method == "fork" else _fresh)(theirs_in, theirs_out, (ours_in, ours_out), function, args)
    os.close(theirs_in)
    os.close(theirs_out)
    return Child(pid, ours_in, ours_out)


def _fork(
    incoming: int, outgoing: int, ours: tuple[int, int], function: Callable[..., object], args: Any
) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for fd in ours:
            os.close(fd)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(2 * DEADLINE))
        function(Ear(incoming, outgoing), *args)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _fresh(
    incoming: int, outgoing: int, _: tuple[int, int], function: Callable[..., object], args: Any
) -> int:
    parcel = carry.pack((function, args))
    try:
        fds = (incoming, outgoing, *parcel.descriptors)
        code = f"from tests.unit.ipc.lockkit import main; main{fds}"
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, pass_fds=fds)
    finally:
        parcel.close()
    assert process.stdin is not None
    with process.stdin as stdin:
        stdin.write(parcel.data)
    process.returncode = 0  # it is reaped by Child
    return process.pid


def main(incoming: int, outgoing: int, *descriptors: int) -> None:
    """What a fresh child runs."""
    signal.alarm(int(2 * DEADLINE))
    function, args = carry.unpack(sys.stdin.buffer.read(), descriptors)
    function(Ear(incoming, outgoing), *args)


def _line(fd: int) -> str:
    line = b""
    deadline = time.monotonic() + DEADLINE
    while not line.endswith(b"\n"):
        assert select.select([fd], [], [], max(0, deadline - time.monotonic()))[0], "nothing is said"
        byte = os.read(fd, 1)
        if not byte:
            return f"{line.decode()}(end)"
        line += byte
    return line[:-1].decode()


# -- what children do ----------------------------------------------------------------------------------------


def holds(ear: Ear, lock: Any, times: int = 1) -> None:
    for _ in range(times):
        assert lock.acquire(timeout=DEADLINE)
    ear.say("has it")
    ear.listen()
    for _ in range(times):
        lock.release()
    ear.say("released")


def wants(ear: Ear, lock: Any) -> None:
    """Sleeps for the lock; says how it came."""
    ear.say("wants it")
    got = lock.acquire(timeout=DEADLINE)
    ear.say(f"{'has it' if got else 'without'}{', recovered' if getattr(lock, 'recovered', False) else ''}")
    if ear.listen() == "keep":
        ear.listen()
    lock.release()
    ear.say("released")


def releases(ear: Ear, lock: Any) -> None:
    lock.release()
    ear.say("released")


def tries(ear: Ear, lock: Any) -> None:
    ear.say(str(lock.acquire(False)))


def fails_to_release(ear: Ear, lock: Any) -> None:
    try:
        lock.release()
    except (AssertionError, ValueError) as error:
        ear.say(type(error).__name__)


def dies_inside(ear: Ear, shared: Any) -> None:
    """SIGKILL in the middle of a guarded section."""
    with shared._section:
        ear.say("inside")
        os.kill(os.getpid(), signal.SIGKILL)


def waits(ear: Ear, condition: Any, timeout: float | None = DEADLINE) -> None:
    with condition:
        ear.say("waits")
        ear.say(f"{'notified' if condition.wait(timeout) else 'timeout'}")


def waits_for_event(ear: Ear, event: Any) -> None:
    ear.say("waits")
    ear.say("set" if event.wait(DEADLINE) else "timeout")


def sets(ear: Ear, event: Any) -> None:
    event.set()
    ear.say("set")


def comes(ear: Ear, barrier: Any, times: int = 1) -> None:
    from threading import BrokenBarrierError

    for _ in range(times):
        ear.say("comes")
        try:
            ear.say(str(barrier.wait()))
        except BrokenBarrierError:
            ear.say("broken")


def adds(ear: Ear, value: Any, times: int) -> None:
    for _ in range(times):
        with value.get_lock():
            value.get_obj().value += 1
    ear.say("done")


def standard_child(lock: Any, event: Any) -> None:
    """Started by the standard library's multiprocessing."""
    assert not lock.acquire(False)
    event.set()
    assert lock.acquire(timeout=DEADLINE)


def stops_inside(ear: Ear, shared: Any) -> None:
    with shared._section:
        ear.say("inside")
        os.kill(os.getpid(), signal.SIGSTOP)
