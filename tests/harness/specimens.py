"""Processes in every state that a person asks about, each made on purpose and taken away again.

::

    with zombie() as found:
        found.pid, found["parent"]       pids by the part that they play
        found.said["code"]               what else the makers have told

Each is a small Python program of its own, which says on a pipe who is who once all is in place.  What no event
tells, that the kernel has put a process to sleep, ``until`` waits for.  All of them can be told by PN_TESTS from
what else runs; they end by SIGKILL through pidfds taken at once.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.harness.processes import read, state_and_parent

PATIENCE = 20.0  # seconds

PRELUDE = """
import ctypes, fcntl, json, os, select, signal, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def say(**facts):
    os.write(1, json.dumps(facts).encode() + b"\\n")
def nap():
    while True:
        signal.pause()
def child(work, *args):
    pid = os.fork()
    if pid:
        return pid
    try:
        work(*args)
    finally:
        os._exit(0)
"""


class Specimen:
    """Pids by their parts; ``pid`` is the one that it is about."""

    def __init__(self, parts: dict[str, int], said: dict[str, Any]) -> None:
        self.parts = parts
        self.said = said

    def __getitem__(self, part: str) -> int:
        return self.parts[part]

    @property
    def pid(self) -> int:
        return self.parts["it"]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a state that nothing announces."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        os.sched_yield()


def asleep(pid: int, states: str = "S") -> None:
    """Wait until a process has come to rest in one of these states."""
    until(lambda: state_and_parent(pid)[0] in tuple(states), f"pid {pid} in state {states}")


def sleeps_in(pid: int, call: str, tid: int | None = None) -> None:
    """Wait until it sleeps in a kernel function with this in its name (/proc/PID/wchan)."""
    name = f"task/{tid or pid}/wchan"
    until(lambda: call.encode() in read(pid, name), f"pid {pid} in {call}: {read(pid, name)!r}")


@contextmanager
def made(code: str, *words: str, prefix: tuple[str, ...] = (), **popen: Any) -> Iterator[Specimen]:
    """Run a program that says ``say(it=PID, ...)``: whole numbers are pids of its, the rest is told."""
    line = [*prefix, sys.executable, "-I", "-S", "-c", PRELUDE + code, *words]
    program = subprocess.Popen(
        line, stdin=popen.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, **popen
    )
    with ExitStack() as stack:
        stack.callback(_finish, program)
        stack.callback(_kill, os.pidfd_open(program.pid))
        facts = _first_line(program)
        parts = {name: value for name, value in facts.items() if isinstance(value, int)}
        assert min(parts.values(), default=2) > 1
        for pid in set(parts.values()) - {program.pid}:
            with suppress(ProcessLookupError):
                stack.callback(_kill, os.pidfd_open(pid))
        parts.setdefault("it", program.pid)
        yield Specimen(parts, {name: value for name, value in facts.items() if name not in parts})


def _first_line(program: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert program.stdout is not None
    assert select.select([program.stdout], [], [], PATIENCE)[0], "a specimen has not said who is who"
    line = program.stdout.readline()
    assert line, "a specimen has died"
    facts: dict[str, Any] = json.loads(line)
    return facts


def _kill(pidfd: int) -> None:
    """SIGKILL, and wait for the end: of a zombie at once."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        select.select([pidfd], [], [], PATIENCE)
    os.close(pidfd)


def _finish(program: subprocess.Popen[bytes]) -> None:
    program.wait(PATIENCE)
    assert program.stdout is not None
    program.stdout.close()


# -- ends: zombies, orphans ------------------------------------------------------------------------------


@contextmanager
def zombie(code: int = 3, parent: str = "") -> Iterator[Specimen]:
    """A dead child whose parent does not reap it.  ``parent``: a line that the parent runs before, such as
    ``signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])``."""
    with made(f"{parent}\nsay(it=child(os._exit, {code}), parent=os.getpid())\nnap()") as found:
        asleep(found.pid, "Z")
        asleep(found["parent"])
        yield found


@contextmanager
def orphan() -> Iterator[Specimen]:
    """Its parent, the leader of its session, has ended; it went on in what is left of that session."""
    code = """
def leader():
    os.setsid()
    me = os.getpid()
    child(lambda: (say(it=os.getpid(), leader=me), os.read(0, 1), nap()))
    os._exit(0)
gate, far = os.pipe()
os.dup2(gate, 0)
os.waitpid(child(leader), 0)
os.write(far, b"x")
nap()
"""
    with made(code) as found:
        until(lambda: state_and_parent(found.pid)[1] != found["leader"], "an orphan")
        asleep(found.pid)
        yield found


@contextmanager
def double_fork() -> Iterator[Specimen]:
    """A classic daemon: setsid, fork again, its parent has ended."""
    code = """
def first():
    os.setsid()
    me = os.getpid()
    child(lambda: (say(it=os.getpid(), middle=me), nap()))
    os._exit(0)
os.waitpid(child(first), 0)
nap()
"""
    with made(code) as found:
        until(lambda: state_and_parent(found.pid)[1] != found["middle"], "an orphan")
        asleep(found.pid)
        yield found


@contextmanager
def setsid_tree(depth: int = 3) -> Iterator[Specimen]:
    """A chain of so many descendants, each a session leader of its own: parts "it" (the root), "1", "2", ..."""
    code = """
depth = int(sys.argv[1])
r, w = os.pipe()
def deeper(level):
    os.setsid()
    os.write(w, f"{level} {os.getpid()}\\n".encode())
    if level < depth:
        child(deeper, level + 1)
    nap()
child(deeper, 1)
with open(r) as lines:
    say(it=os.getpid(), **dict((level, int(pid)) for level, pid in (next(lines).split() for _ in range(depth))))
nap()
"""
    with made(code, str(depth)) as found:
        for pid in found.parts.values():
            asleep(pid)
        yield found


# -- asleep, and for what ---------------------------------------------------------------------------------


@contextmanager
def sleeping(code: str, *words: str, **popen: Any) -> Iterator[Specimen]:
    """A process that comes to rest: ``code`` says ``say(it=os.getpid())`` just before."""
    with made(code, *words, **popen) as found:
        for pid in found.parts.values():
            asleep(pid, "SDTtZ")
        yield found


@contextmanager
def stopped() -> Iterator[Specimen]:
    with made("say(it=os.getpid())\nos.kill(os.getpid(), signal.SIGSTOP)\nnap()") as found:
        asleep(found.pid, "T")
        yield found


@contextmanager
def pipe_deadlock() -> Iterator[Specimen]:
    """Two processes, each of which reads what only the other would write: "it" and "other"."""
    code = """
a, b = os.pipe(), os.pipe()
def one(mine, not_mine, part):
    os.close(mine[1]); os.close(not_mine[0])
    os.read(mine[0], 1)
pids = child(one, a, b, "it"), child(one, b, a, "other")
for fd in (*a, *b):
    os.close(fd)
say(it=pids[0], other=pids[1], parent=os.getpid())
nap()
"""
    with made(code) as found:
        for part in ("it", "other"):
            sleeps_in(found[part], "pipe_read")
        yield found


@contextmanager
def full_pipe() -> Iterator[Specimen]:
    """A writer whose pipe nobody empties: "it" writes, "reader" naps."""
    code = """
r, w = os.pipe()
def write():
    os.close(r)
    while True:
        os.write(w, bytes(65536))
def hold():
    os.close(w)
    nap()
pids = child(write), child(hold)
os.close(r); os.close(w)
say(it=pids[0], reader=pids[1])
nap()
"""
    with made(code) as found:
        sleeps_in(found.pid, "pipe_write")
        yield found


@contextmanager
def lock_waiter(path: Path, how: str = "flock") -> Iterator[Specimen]:
    """Part "it" waits for a lock on a file that "holder" has.  ``how``: flock, or posix (fcntl)."""
    code = """
path, how = sys.argv[1:]
lock = fcntl.flock if how == "flock" else fcntl.lockf
def take(w=None):
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    lock(fd, fcntl.LOCK_EX)
    if w is not None:
        os.write(w, b"x")
    nap()
r, w = os.pipe()
holder = child(take, w)
os.read(r, 1)
say(it=child(take), holder=holder)
nap()
"""
    with made(code, str(path), how) as found:
        until(
            lambda: any(call in read(found.pid, "wchan") for call in (b"lock", b"setlk")),
            "waits for the lock",
        )
        yield found


@contextmanager
def futex_deadlock() -> Iterator[Specimen]:
    """Two threads of "it", each of which has the mutex that the other wants: said["threads"]: their tids."""
    code = """
first, second = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
meet = threading.Barrier(2)
tids = []
def lock(mine, other):
    libc.pthread_mutex_lock(mine)
    tids.append(threading.get_native_id())
    meet.wait()
    if len(tids) == 2 and mine is first:
        say(it=os.getpid(), threads=tids)
    libc.pthread_mutex_lock(other)
for pair in ((first, second), (second, first)):
    threading.Thread(target=lock, args=pair, daemon=True).start()
nap()
"""
    with made(code) as found:
        for tid in found.said["threads"]:
            sleeps_in(found.pid, "futex", tid)
        asleep(found.pid)
        yield found


@contextmanager
def child_waiter() -> Iterator[Specimen]:
    """Part "it" waits for the end of "child"."""
    code = "pid = child(nap)\nsay(it=os.getpid(), child=pid)\nos.waitpid(pid, 0)"
    with made(code) as found:
        sleeps_in(found.pid, "do_wait")
        yield found


@contextmanager
def disk_sleep(folder: Path) -> Iterator[Specimen]:
    """State D without any right: "it" is in the middle of vfork (posix_spawn), whose child opens a fifo that
    nobody writes.  The kernel lets it die of SIGKILL only."""
    fifo = folder / "nobody-writes"
    os.mkfifo(fifo)
    code = """
say(it=os.getpid())
os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 9, sys.argv[1], os.O_RDONLY, 0)])
"""
    with made(code, str(fifo)) as found:
        asleep(found.pid, "D")
        (spawned,) = map(int, read(found.pid, f"task/{found.pid}/children").split())
        pidfd = os.pidfd_open(spawned)
        found.parts["child"] = spawned
        try:
            yield found
        finally:
            _kill(pidfd)


# -- others ------------------------------------------------------------------------------------------------


@contextmanager
def busy(nice: int = 0) -> Iterator[Specimen]:
    """It counts, and never sleeps."""
    with made(f"os.nice({nice})\nsay(it=os.getpid())\nwhile True: pass") as found:
        until(lambda: state_and_parent(found.pid)[0] == "R", "running")
        yield found


@contextmanager
def threads(count: int) -> Iterator[Specimen]:
    """So many threads, the main one included."""
    code = """
for _ in range(int(sys.argv[1]) - 1):
    threading.Thread(target=signal.sigwait, args=([signal.SIGUSR1],), daemon=True).start()
say(it=os.getpid())
nap()
"""
    with sleeping(code, str(count)) as found:
        yield found


@contextmanager
def odd_name(name: bytes) -> Iterator[Specimen]:
    """With these up to 15 bytes as its name (PR_SET_NAME)."""
    code = "libc.prctl(15, bytes.fromhex(sys.argv[1]), 0, 0, 0)\nsay(it=os.getpid())\nnap()"
    with sleeping(code, name.hex()) as found:
        yield found


@contextmanager
def niced(nice: int) -> Iterator[Specimen]:
    with sleeping(f"os.nice({nice})\nsay(it=os.getpid())\nnap()") as found:
        yield found


@contextmanager
def idle() -> Iterator[Specimen]:
    """Nothing but asleep."""
    with sleeping("say(it=os.getpid())\nnap()") as found:
        yield found
