"""Children for supervisors: importable, so that each start method finds them.

As a program: ``python -m tests.faults.servicekit NAME ARGUMENTS`` runs one of the functions named ``main_``.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

from procession.process.supervisor import ChildSpec, Supervisor, ready
from tests.harness.staying import stay_for_signals


def stay() -> NoReturn:
    stay_for_signals()


def stay_ready(info: Any = None) -> NoReturn:
    ready(info)
    stay()


def stay_deaf() -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stay_ready()


def write_down(path: str, name: str, *, deaf: bool = False) -> NoReturn:
    """Notes its start and, if it is asked to end, its end."""

    def note(what: str) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, f"{what} {name}\n".encode())
        os.close(fd)

    def leave(_number: int, _frame: FrameType | None) -> None:
        note("stop")
        if not deaf:
            sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    note("start")
    stay_ready(os.getpid())


def leave(code: int) -> NoReturn:
    sys.exit(code)


def leave_later(code: int) -> NoReturn:
    """Ready, and then ends."""
    ready()
    sys.exit(code)


def raise_error() -> NoReturn:
    raise ValueError("the disk is on fire")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash_first(path: str) -> NoReturn:
    """Fails the first time, then stays."""
    if not os.path.exists(path):
        open(path, "wb").close()
        sys.exit(3)
    stay_ready()


def spin() -> None:
    """Holds the GIL for good."""
    ready(os.getpid())
    10 ** (10**9) % 7


def say_too_much() -> None:
    ready("x" * 5000)


def has_a_child(path: str) -> NoReturn:
    """A child with a child."""
    from procession.process.context import get_context

    child = get_context("fork").Process(target=write_down, args=(path, "grandchild"))
    child.start()
    stay_ready((os.getpid(), child.pid))


# -- programs --------------------------------------------------------------------------------------------


def main_foreground(method: str, path: str, *deaf: str) -> None:
    """Three children in the foreground; says when all are up, and in what order it ended."""
    specs = [
        ChildSpec(
            name,
            write_down,
            (path, name),
            {"deaf": name in deaf},
            ready=True,
            start_method=method,
            shutdown=None,
        )
        for name in ("a", "b", "c")
    ]

    def tell(event: Any) -> None:
        if (event.child, event.what) == ("c", "ready"):
            print("up", *[child.pid for child in supervisor.status().children], flush=True)
        if event.what == "stopping":
            print("stopping", event.child, flush=True)

    supervisor = Supervisor(specs, on_event=tell)
    supervisor.run()
    print("over", flush=True)


def main_background(method: str, path: str) -> None:
    """Starts children in the background and ends without a word about them."""
    Supervisor(
        [ChildSpec(name, write_down, (path, name), ready=True, start_method=method) for name in ("a", "b")]
    ).start()


def main_spinning(method: str, path: str) -> None:
    """Children of all kinds, below a tree; then waits to be killed."""
    inner = Supervisor([ChildSpec("spin", spin, ready=True, start_method=method)], name="inner")
    supervisor = Supervisor(
        [
            ChildSpec("deaf", stay_deaf, ready=True, start_method=method),
            ChildSpec("parent", has_a_child, (path,), ready=True, start_method=method),
            inner,
        ]
    )
    with supervisor:
        status = supervisor.status()
        print("up", status["deaf"].pid, *status["parent"].info, status["inner"].children[0].pid, flush=True)
        stay()


if __name__ == "__main__":
    globals()[f"main_{sys.argv[1]}"](*sys.argv[2:])
