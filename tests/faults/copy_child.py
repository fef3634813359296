"""A copy with a hook, run as a program: ``copy_child.py MODE ARGUMENTS``.

The hooks are in ``os`` before the workers are forked, which inherit them, and know nothing of how the
copier goes about its work.  With TICKS, each name that comes to be at the target (made, renamed, linked)
is told on that descriptor: the test outside counts, and strikes at a moment of its choice without a
clock, and as long as it does not read, the copy stands still.  With DEADLY, whichever worker opens a file
of that name dies.  With GATE (a FIFO), a worker that opens a file named ``gate*`` waits until
somebody else opens the FIFO to write.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from typing import Any


def tell_each_name(descriptor: int) -> None:
    def tell() -> None:
        try:
            os.write(descriptor, b".")
        except BrokenPipeError:
            return  # the test has seen enough and lets the copy run

    opened = os.open

    @functools.wraps(opened)
    def told_open(path: Any, flags: int, *words: Any, **more: Any) -> int:
        made = opened(path, flags, *words, **more)
        if flags & (os.O_CREAT | os.O_TMPFILE & ~os.O_DIRECTORY):
            tell()  # now there is an empty file
        return made

    os.open = told_open
    for name in ("mkdir", "symlink"):
        setattr(os, name, _and_then(getattr(os, name), tell))
    for name in ("rename", "link", "utime"):
        setattr(os, name, _but_first(getattr(os, name), tell))


def _and_then(act: Any, then: Any) -> Any:
    @functools.wraps(act)
    def acted(*words: Any, **more: Any) -> Any:
        value = act(*words, **more)
        then()
        return value

    return acted


def _but_first(act: Any, first: Any) -> Any:
    @functools.wraps(act)
    def acted(*words: Any, **more: Any) -> Any:
        first()
        return act(*words, **more)

    return acted


def die_at(name: str) -> None:
    """A file that costs its worker its life, every time."""
    leader = os.getpid()
    opened = os.open

    @functools.wraps(opened)
    def deadly_open(path: Any, flags: int, *words: Any, **more: Any) -> int:
        if path == name and os.getpid() != leader and not flags & os.O_CREAT:
            os.kill(os.getpid(), signal.SIGKILL)
        return opened(path, flags, *words, **more)

    os.open = deadly_open


def wait_at_the_gate(fifo: str) -> None:
    leader = os.getpid()
    opened = os.open

    @functools.wraps(opened)
    def waiting_open(path: Any, flags: int, *words: Any, **more: Any) -> int:
        if str(path).startswith("gate") and os.getpid() != leader and not flags & os.O_CREAT:
            os.close(opened(fifo, os.O_RDONLY))
        return opened(path, flags, *words, **more)

    os.open = waiting_open


def main() -> int:
    mode, *arguments = sys.argv[1:]
    # Whoever started the tests may have it ignored (a shell in the background), and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TICKS" in os.environ:
        tell_each_name(int(os.environ["TICKS"]))
    if "DEADLY" in os.environ:
        die_at(os.environ["DEADLY"])
    if "GATE" in os.environ:
        wait_at_the_gate(os.environ["GATE"])
    if mode == "pn":
        from procession.cli import main as pn

        return pn(["copy", *arguments])
    import procession

    report = procession.copy(arguments[0], arguments[1], workers=int(arguments[2]))
    facts = {
        name: getattr(report, name)
        for name in (
            "files", "folders", "links", "specials", "bytes", "skipped", "skipped_bytes", "interrupted",
        )
    }  # fmt: skip
    facts["failed"] = [[failure.path, failure.cause] for failure in report.failed]
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
