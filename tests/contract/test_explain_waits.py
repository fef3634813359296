"""Asleep, and for what: each cause named, with the right pids."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from procession.mp import get_context
from procession.table.explain.finding import NOTE, WRONG
from procession.table.explain.look import survey
from tests.contract.explainkit import all_text, explained, finding
from tests.harness import specimens
from tests.harness.places import Unprivileged


def read_text(path: str) -> str:
    """A task that lasts until somebody writes."""
    return Path(path).read_text()


def asleep(pid: int) -> str:
    """The headline, without its first word."""
    one = finding(pid, "asleep")
    assert one.headline.startswith("asleep: ")
    return one.headline.removeprefix("asleep: ")


def test_a_full_pipe_and_who_does_not_read() -> None:
    with specimens.full_pipe() as found:
        one = finding(found.pid, "asleep")
        assert "writes to pipe " in one.headline
        assert f"which is full, whose only reader is pid {found['reader']} (" in one.headline
        assert one.pids == (found["reader"],)
        assert one.why[0].startswith(f"pid {found['reader']} (")
        assert one.why[0].endswith(" in turn waits for a signal (pause)")


def test_an_empty_pipe_to_itself() -> None:
    with specimens.sleeping("r, w = os.pipe()\nsay(it=os.getpid())\nos.read(r, 1)") as found:
        specimens.sleeps_in(found.pid, "pipe_read")
        one = finding(found.pid, "deadlock")
        assert one.severity == WRONG
        assert "a deadlock with itself" in one.headline
        assert "whose only writer is the process itself" in all_text(one)


def test_a_pipe_with_several_writers_of_which_it_is_one() -> None:
    code = """
r, w = os.pipe()
a, b = child(nap), child(nap)
say(it=os.getpid(), a=a, b=b)
os.read(r, 1)
"""
    with specimens.sleeping(code) as found:
        specimens.sleeps_in(found.pid, "pipe_read")
        one = finding(found.pid, "asleep")
        assert "and the process itself" in one.headline
        assert {found["a"], found["b"]} <= set(one.pids)
        assert "it will never see the end of the input" in all_text(one)


def test_a_fifo_that_nobody_opens(tmp_path: Path) -> None:
    fifo = tmp_path / "a\nfifo\x1b[31m"
    os.mkfifo(fifo)
    with specimens.made("say(it=os.getpid())\nopen(sys.argv[1])", str(fifo)) as found:
        specimens.sleeps_in(found.pid, "wait_for_partner")
        shown = str(fifo).replace("\n", "?").replace("\x1b", "?")
        assert asleep(found.pid) == f"opens fifo {shown}, and waits until somebody writes there"


def test_a_fifo_that_is_open(tmp_path: Path) -> None:
    code = """
os.mkfifo(sys.argv[1])
def writer():
    with open(sys.argv[1], "w"):
        nap()
pid = child(writer)
fd = os.open(sys.argv[1], os.O_RDONLY)
say(it=os.getpid(), writer=pid)
os.read(fd, 1)
"""
    with specimens.made(code, str(tmp_path / "fifo")) as found:
        specimens.sleeps_in(found.pid, "pipe_read")
        text = asleep(found.pid)
        assert text.startswith(f"reads from fifo {tmp_path}/fifo (descriptor ")
        assert f"whose only writer is pid {found['writer']} (" in text


@pytest.mark.parametrize("how", ["flock", "posix"])
def test_a_lock_on_a_file_and_its_holder(tmp_path: Path, how: str) -> None:
    with specimens.lock_waiter(tmp_path / "lock", how) as found:
        one = finding(found.pid, "asleep")
        assert f"a lock on file {tmp_path}/lock" in one.headline
        assert f"which pid {found['holder']} (" in one.headline
        assert one.pids == (found["holder"],)


def test_a_flock_that_a_child_has_inherited(tmp_path: Path) -> None:
    """/proc/locks still names the process that took it, which has ended."""
    code = """
def take():
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.write(w, str(child(nap)).encode())
r, w = os.pipe()
first = child(take)
holder = int(os.read(r, 20))
os.waitpid(first, 0)
def want():
    fcntl.flock(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX)
say(it=child(want), holder=holder)
nap()
"""
    with specimens.made(code, str(tmp_path / "lock")) as found:
        specimens.sleeps_in(found.pid, "lock")
        assert finding(found.pid, "asleep").pids == (found["holder"],)


def test_who_has_another_range_of_the_file_is_in_nobodys_way(tmp_path: Path) -> None:
    code = """
def lock(start):
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    fcntl.lockf(fd, fcntl.LOCK_EX, 10, start)
    os.write(w, b"x")
    nap()
r, w = os.pipe()
holder, other = child(lock, 0), child(lock, 100)
os.read(r, 1)
os.read(r, 1)
say(it=child(lock, 5), holder=holder, other=other)
nap()
"""
    with specimens.made(code, str(tmp_path / "lock")) as found:
        specimens.sleeps_in(found.pid, "fcntl")
        assert finding(found.pid, "asleep").pids == (found["holder"],)


def test_a_lock_of_an_open_file_description(tmp_path: Path) -> None:
    code = """
import struct
def lock(call):
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    fcntl.fcntl(fd, call, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
    os.write(w, b"x")
    nap()
r, w = os.pipe()
holder = child(lock, 37)
os.read(r, 1)
say(it=child(lock, 38), holder=holder)
nap()
"""
    with specimens.made(code, str(tmp_path / "lock")) as found:
        specimens.sleeps_in(found.pid, "fcntl")
        assert finding(found.pid, "asleep").pids == (found["holder"],)


def test_a_child_and_the_end_of_a_pidfd() -> None:
    with specimens.child_waiter() as found:
        one = finding(found.pid, "asleep")
        assert one.headline.startswith(f"asleep: waits for the end of its child pid {found['child']} (")
        assert one.pids == (found["child"],)
    code = "pid = child(nap)\nfd = os.pidfd_open(pid)\nsay(it=os.getpid(), child=pid)\nselect.select([fd], [], [])"
    with specimens.sleeping(code) as found:
        specimens.sleeps_in(found.pid, "poll")
        assert asleep(found.pid).startswith(f"waits for the end of pid {found['child']} (")


def test_vfork_is_deaf_and_not_wrong(tmp_path: Path) -> None:
    with specimens.disk_sleep(tmp_path) as found:
        specimens.sleeps_in(found["child"], "wait_for_partner")
        one = finding(found.pid, "disk sleep")
        assert one.severity == NOTE
        assert f"has called vfork, and waits until its new child pid {found['child']} (" in one.headline
        assert f"in turn opens fifo {tmp_path}/nobody-writes" in all_text(one)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("time.sleep(1e5)", "sleeps until a time that is 27 hours away"),
        ("select.select([], [], [], 86400)", "sleeps for 24 hours (so it has asked"),
        ("select.poll().poll(200000)", "sleeps for 3 minutes (so it has asked"),
        ("signal.pause()", "waits for a signal (pause)"),
        ("signal.sigwait([signal.SIGUSR1])", "waits for a signal (rt_sigtimedwait)"),
    ],
)
def test_clocks_and_signals(call: str, words: str) -> None:
    with specimens.sleeping(f"say(it=os.getpid())\n{call}") as found:
        assert asleep(found.pid).startswith(words)


def test_a_tcp_connection_to_another_process() -> None:
    code = """
server = socket.create_server(("127.0.0.1", 0))
def client():
    one = socket.create_connection(server.getsockname())
    nap()
pid = child(client)
far, _ = server.accept()
server.close()
say(it=os.getpid(), client=pid, port=far.getsockname()[1])
far.recv(1)
"""
    with specimens.made(code) as found:
        specimens.sleeps_in(found.pid, "wait_woken")
        port = found.parts.pop("port")
        text = asleep(found.pid)
        assert text.startswith(f"reads from tcp socket 127.0.0.1:{port} with 127.0.0.1:")
        assert f"the other end of which pid {found['client']} (" in text


def test_a_unix_socket_pair_and_a_listening_one(tmp_path: Path) -> None:
    code = """
one, other = socket.socketpair()
def hold():
    one.close()
    nap()
pid = child(hold)
other.close()
say(it=os.getpid(), other=pid)
one.recv(1)
"""
    with specimens.made(code) as found:
        specimens.sleeps_in(found.pid, "unix")
        assert f"the other end of which pid {found['other']} (" in asleep(found.pid)
    path = tmp_path / "socket"
    code = (
        "s = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\nsay(it=os.getpid())\ns.accept()"
    )
    with specimens.sleeping(code, str(path)) as found:
        assert asleep(found.pid).startswith(
            f"waits until somebody connects to unix stream socket {path}, listening"
        )


@pytest.mark.parametrize("way", ["select", "poll", "epoll"])
def test_any_of_several(way: str) -> None:
    code = """
r, w = os.pipe()
server = socket.create_server(("127.0.0.1", 0))
def hold():
    os.close(r)
    nap()
pid = child(hold)
os.close(w)
say(it=os.getpid(), holder=pid, port=server.getsockname()[1])
if sys.argv[1] == "select":
    select.select([r, server], [], [])
else:
    waiter = select.poll() if sys.argv[1] == "poll" else select.epoll()
    for one in (r, server):
        waiter.register(one, select.POLLIN)
    waiter.poll()
"""
    with specimens.made(code, way) as found:
        specimens.sleeps_in(found.pid, "poll")
        port = found.parts.pop("port")
        text = asleep(found.pid)
        assert text.startswith("waits for input from pipe ")
        assert f"at whose other end is pid {found['holder']} (" in text
        assert f"or somebody to connect to tcp socket 127.0.0.1:{port}" in text


def test_a_terminal_and_who_is_behind_it() -> None:
    code = """
master, slave = os.openpty()
def reader():
    os.close(master)
    os.read(slave, 1)
pid = child(reader)
say(it=pid, screen=os.getpid())
nap()
"""
    with specimens.made(code) as found:
        specimens.sleeps_in(found.pid, "wait_woken")
        text = asleep(found.pid)
        assert text.startswith("waits for somebody to type at terminal /dev/pts/")
        assert f"behind which pid {found['screen']} (" in text


def test_the_chain_is_followed() -> None:
    code = """
r, w = os.pipe()
a, b = os.pipe()
def last():
    os.close(b)
    say(it=os.getppid(), middle=os.getppid(), last=os.getpid(), stopped=os.getpid())
    os.kill(os.getpid(), signal.SIGSTOP)
def middle():
    os.close(r)
    pid = child(last)
    os.close(a)
    os.waitpid(pid, 0)
pid = child(middle)
os.close(w); os.close(a); os.close(b)
os.read(r, 1)
"""
    with specimens.made(code) as found:
        specimens.asleep(found["last"], "T")
        middle, last = found["middle"], found["last"]
        with open(f"/proc/{middle}/stat") as file:
            first = int(file.read().rpartition(")")[2].split()[1])
        specimens.sleeps_in(first, "pipe_read")
        one = finding(first, "asleep")
        assert f"pid {middle} (" in one.headline
        assert f"pid {last} (" in one.headline  # it has the writing end as well
        text = all_text(finding(middle, "asleep"))
        assert f"its child pid {last} (" in text
        assert "which is stopped" in text


def test_threads_a_join_and_a_mutex() -> None:
    code = """
tids = []
def rest():
    tids.append(threading.get_native_id())
    signal.sigwait([signal.SIGUSR1])
made = ctypes.c_ulong()
ROUTINE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
routine = ROUTINE(lambda _: rest())
libc.pthread_create(ctypes.byref(made), None, routine, None)
while not tids:
    os.sched_yield()
say(it=os.getpid(), threads=tids)
libc.pthread_join(made, None)
"""
    with specimens.made(code) as found:
        specimens.sleeps_in(found.pid, "futex")
        (thread,) = found.said["threads"]
        assert asleep(found.pid) == f"waits for the end of thread {thread}"


def test_a_robust_mutex_between_processes() -> None:
    """Ours: its word holds the tid of who has it."""
    code = """
import mmap
memory = mmap.mmap(-1, 4096)
attributes = ctypes.create_string_buffer(64)
mutex = ctypes.c_char.from_buffer(memory)
libc.pthread_mutexattr_init(attributes)
libc.pthread_mutexattr_setpshared(attributes, 1)
libc.pthread_mutexattr_setrobust(attributes, 1)
libc.pthread_mutex_init(ctypes.byref(mutex), attributes)
r, w = os.pipe()
def hold():
    libc.pthread_mutex_lock(ctypes.byref(mutex))
    os.write(w, b"x")
    nap()
holder = child(hold)
os.read(r, 1)
say(it=os.getpid(), holder=holder)
libc.pthread_mutex_lock(ctypes.byref(mutex))
"""
    with specimens.made(code) as found:
        specimens.sleeps_in(found.pid, "futex")
        one = finding(found.pid, "asleep")
        assert f"which pid {found['holder']} (" in one.headline
        assert "in memory shared with others" in one.headline
        assert one.pids == (found["holder"],)


def test_a_lock_of_python_has_no_owner_to_name() -> None:
    code = "lock = threading.Lock()\nlock.acquire()\nsay(it=os.getpid())\nlock.acquire()"
    with specimens.sleeping(code) as found:
        specimens.sleeps_in(found.pid, "futex")
        one = explained(found.pid)
        assert "a lock or a notice between threads (a futex)" in one.findings[0].headline
        assert one.findings[0].pids == ()
        assert "the kernel does not know who will wake it" in all_text(one.findings[0])
        assert one.facts.ring is None  # nothing is claimed


def test_a_worker_of_a_pool_and_its_task(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with get_context("fork").Pool(1) as pool:
        pid = pool.apply(os.getpid)
        job = pool.apply_async(read_text, (str(tmp_path / "fifo"),))
        specimens.sleeps_in(pid, "wait_for_partner")
        # A pool publishes what it does after a while.
        specimens.until(
            lambda: any(each.kind == "ours" for each in explained(pid).findings), "its task is known"
        )
        assert finding(pid, "ours").headline.startswith("ours: pool worker 1 of ")
        assert "read_text" in finding(pid, "ours").headline
        (tmp_path / "fifo").write_text("x")
        assert job.get() == "x"


@pytest.mark.root
def test_the_whole_machine_as_somebody_without_rights(unprivileged: Unprivileged) -> None:
    found = unprivileged.call(lambda: survey(0.0))
    assert found.looked_at > 0
    assert found.refused > 0


@pytest.mark.root
def test_other_peoples_calls_are_not_ours_to_read(unprivileged: Unprivileged) -> None:
    with specimens.idle() as found:
        one = unprivileged.call(lambda: explained(found.pid).findings[0])
        assert one.headline.startswith("asleep: waits for something")
        assert "not ours to read" in all_text(one)
        assert "sudo pn explain" in all_text(one)
