"""What the processes of the contract tests do: importable, so that each start method finds it."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing import process as std_process
from typing import Any

from procession.process.process import ForkProcess, ForkServerProcess, SpawnProcess


def report(conn: Any, *args: Any, **kwargs: Any) -> None:
    """Tell what this process is."""
    me = std_process.current_process()
    parent = std_process.parent_process()
    assert parent is not None
    conn.send(
        {
            "args": args,
            "kwargs": kwargs,
            "name": me.name,
            "pid": os.getpid(),
            "ident": me.ident,
            "daemon": me.daemon,
            "authkey": bytes(me.authkey),
            "parent": (parent.pid, parent.name, parent.is_alive()),
            "thread": threading.main_thread().native_id,
            "alive": me.is_alive(),
            "cwd": os.getcwd(),
            "argv": sys.argv,
            "environment": os.environ.get("PN_CONTRACT"),
        }
    )
    conn.close()


def wait_for_ever(conn: Any = None) -> None:
    """Say that we have come this far, then stay."""
    if conn is not None:
        conn.send(os.getpid())
    while True:
        signal.pause()


def wait_for_word(conn: Any) -> None:
    """Say that we are there; end when told."""
    conn.send(os.getpid())
    conn.recv()


def deaf(conn: Any) -> None:
    """Like wait_for_ever, and SIGTERM and SIGINT do nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wait_for_ever(conn)


def catches_interrupt(conn: Any) -> str:
    """KeyboardInterrupt is the target's to catch."""
    try:
        wait_for_ever(conn)
    except KeyboardInterrupt:
        return "caught"
    return "never"


def double(number: int) -> int:
    return 2 * number


def give(value: Any) -> Any:
    return value


def leave(code: Any) -> None:
    sys.exit(code)


def leave_at_once(code: int) -> None:
    os._exit(code)


def kill_ourselves(signum: int) -> None:
    faulthandler.disable()  # the stacks of pytest would be of no interest
    os.kill(os.getpid(), signum)


def raises(kind: type[BaseException], *args: Any) -> None:
    raise kind(*args)


def raises_chain() -> None:
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


class Unloadable(Exception):
    """Pickles, and does not unpickle."""

    def __init__(self, first: object, second: object) -> None:
        super().__init__(f"{first} and {second}")


class Unpicklable(Exception):
    """Holds a thread's lock."""

    def __init__(self) -> None:
        super().__init__("kept here")
        self.lock = threading.Lock()


class Mute(Exception):
    """Not even its text can be had."""

    def __str__(self) -> str:
        raise ZeroDivisionError


class NotAnException(BaseException):
    """What ``except Exception`` does not catch."""


def raises_unpicklable() -> None:
    raise Unpicklable


def returns_unpicklable() -> Any:
    return threading.Lock()


class Thing:
    """Something that a weak reference can watch."""


class ExplodesOnArrival:
    def __reduce__(self) -> Any:
        return raises, (RuntimeError, "cannot be here")


def returns_what_explodes() -> Any:
    return ExplodesOnArrival()


def leaves_by_exit_handler(path: str) -> None:
    import atexit

    def write() -> None:
        with open(path, "w", encoding="ascii") as file:
            file.write("done")

    atexit.register(write)


def starts_a_thread(path: str, gate: Any) -> None:
    """A thread that is no daemon outlives the target."""

    def work() -> None:
        gate.recv()
        with open(path, "w", encoding="ascii") as file:
            file.write("done")

    threading.Thread(target=work).start()


def has_a_child(kind: type[Any]) -> int:
    """A process within a process."""
    child = kind(target=double, args=(4,), daemon=True)
    child.start()
    value = child.result()
    assert isinstance(value, int)
    return value


def has_std_child() -> int | None:
    child = multiprocessing.get_context("fork").Process(target=double, args=(4,))
    child.start()
    child.join()
    return child.exitcode


def count_descriptors(conn: Any) -> None:
    conn.send(len(os.listdir("/proc/self/fd")))


def burn(seconds: float) -> None:
    """CPU time, whatever the clock says."""
    while time.process_time() < seconds:
        sum(range(10_000))


def burn_for_ever() -> None:
    while True:
        sum(range(10_000))


def take_memory(size: int) -> int:
    return len(bytearray(size))


def open_many(count: int) -> int:
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(count)])


def says(words: str) -> None:
    """On stdout and stderr, by descriptor and by stream."""
    print(words)
    sys.stderr.write(f"{words} (err)\n")


class Doubler(ForkProcess):
    """A process that encapsulates what it does."""

    def __init__(self, conn: Any) -> None:
        super().__init__(name="doubler")
        self.conn = conn

    def run(self) -> Any:
        for number in iter(self.conn.recv, None):
            self.conn.send(2 * number)
        return "finished"


class SpawnDoubler(SpawnProcess):
    def __init__(self, conn: Any) -> None:
        super().__init__(name="doubler")
        self.conn = conn

    run: Any = Doubler.run


class ForkServerDoubler(ForkServerProcess):
    def __init__(self, conn: Any) -> None:
        super().__init__(name="doubler")
        self.conn = conn

    run: Any = Doubler.run


DOUBLERS = {"fork": Doubler, "spawn": SpawnDoubler, "forkserver": ForkServerDoubler}


def try_lock(lock: Any) -> bool:
    with lock:
        return not lock.acquire(block=False)


def server_of_a_child(kind: type[Any]) -> int | None:
    """Which fork server makes the children of this process?"""
    has_a_child(kind)
    from procession.process.served import server

    return server._forkserver_pid


def nested_after_word(kind: type[Any], conn: Any) -> int:
    wait_for_word(conn)
    return has_a_child(kind)


def is_loaded(module: str) -> bool:
    return module in sys.modules


def environment(name: str) -> str | None:
    return os.environ.get(name)
