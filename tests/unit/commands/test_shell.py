"""One command in a worker: its output, its time, its group, and that it ends when the worker does."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from procession.commands import shell
from procession.commands.capture import INLINE
from procession.commands.outcome import NOT_BEGUN, Outcome, Stored
from procession.commands.shell import Signs, perform, prepare
from procession.commands.turns import pieces
from tests.harness.processes import state_and_parent

GRACE = 0.2


@pytest.fixture
def signs() -> Iterator[Signs]:
    """This process as a worker."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    signs = Signs()
    prepare(signs)
    yield signs
    if shell._Here.group is not None:
        shell._Here.group.kill()
        shell._Here.group = None
    shell._Here.signs = None
    signs.close()
    for number, handler in before.items():
        signal.signal(number, handler)


def run(line: str, timeout: float | None = None) -> Outcome:
    return perform(("/bin/sh", "-c", line), timeout, GRACE)


def text(output: object) -> bytes:
    assert isinstance(output, bytes | Stored)
    return b"".join(pieces(output))


def test_what_it_prints_and_how_it_ends(signs: Signs) -> None:
    done = run("echo out; echo err >&2; exit 3")
    assert (done.code, done.signal, done.reason) == (3, None, "exited with code 3")
    assert (done.stdout, done.stderr, done.ok) == (b"out\n", b"err\n", False)
    assert run(":").ok


def test_its_death_by_a_signal(signs: Signs) -> None:
    done = run("kill -USR1 $$")
    assert (done.code, done.signal, done.reason) == (None, 10, "was killed by SIGUSR1 (10)")


def test_it_reads_nothing(signs: Signs) -> None:
    assert run("cat; echo end").stdout == b"end\n"


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("no-such-program", "x"), "could not be run: no-such-program: not found"),
        (("./none",), "could not be run: ./none: No such file or directory"),
        (("/etc/passwd",), "could not be run: Permission denied"),
        (("true", "x" * 200_000), "could not be run: Argument list too long"),
        (("true", "a\0b"), "could not be run: embedded null byte"),
    ],
)
def test_what_cannot_be_run(signs: Signs, argv: tuple[str, ...], reason: str) -> None:
    done = perform(argv, None, GRACE)
    assert (done.code, done.signal, done.reason) == (None, None, reason)


def test_large_output_lies_in_a_file(signs: Signs) -> None:
    done = run(f"head -c {INLINE + 1} /dev/zero; echo x >/dev/stdout; echo e >&2")
    assert isinstance(done.stdout, Stored)
    assert text(done.stdout) == bytes(INLINE + 1) + b"x\n"
    assert done.stderr == b"e\n"
    done.stdout.close()


@pytest.mark.root
def test_output_that_finds_no_room_is_a_failure(
    signs: Signs, small_tmpfs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(small_tmpfs("200k")))
    done = run("head -c 1000000 /dev/zero")
    assert done.reason == "ended normally, and its output could not be kept: No space left on device"
    assert not done.ok


def test_the_signals_of_a_command_are_those_of_a_fresh_program(signs: Signs) -> None:
    done = run("trap 'echo int' INT; kill -INT $$; trap 'echo pipe' PIPE; kill -PIPE $$")
    assert done.stdout == b"int\npipe\n"
    masks = perform(("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"), None, GRACE).stdout
    assert isinstance(masks, bytes)
    assert [int(line.split()[1], 16) & 0x7FFFFFFF for line in masks.splitlines()] == [0, 0]


def test_it_has_no_descriptors_of_ours_but_one(signs: Signs) -> None:
    program = (sys.executable, "-c", "import os; print(len(os.listdir('/proc/self/fd')))")
    inherited = subprocess.run(program, close_fds=False, stdout=subprocess.PIPE, check=True).stdout
    ours = perform(program, None, GRACE).stdout
    assert isinstance(ours, bytes)
    assert int(ours) == int(inherited) + 1  # the one that tells of its descendants


def test_a_time_limit(signs: Signs) -> None:
    done = run("trap 'echo asked; exit 0' TERM; while :; do sleep 0.01; done", 0.1)
    assert done.reason == "ran longer than 0.1 s and ended normally"
    assert (done.stdout, done.ok) == (b"asked\n", False)


def test_deaf_children_and_their_children_are_killed(signs: Signs, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = run(
            f"trap '' TERM; exec 9>{tmp_path}/alive; (sleep 1000 & sleep 1000) & echo up; sleep 1000", 0.2
        )
        assert (done.signal, done.reason) == (9, "ran longer than 0.2 s and was killed by SIGKILL (9)")
        assert done.stdout == b"up\n"
        assert ended(alive)
        assert run("echo next").stdout == b"next\n"
    finally:
        os.close(alive)


def test_what_it_leaves_running_is_ended(signs: Signs, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = run(f"exec 9>{tmp_path}/alive; sleep 1000 >/dev/null 2>&1 & echo up")
        assert done.ok
        assert ended(alive)
        assert run("echo next").stdout == b"next\n"
    finally:
        os.close(alive)


def test_a_stopped_command_is_ended_too(signs: Signs) -> None:
    assert run("kill -STOP $$", 0.1).signal == 15


def test_one_that_kills_its_group_kills_nobody_else(signs: Signs) -> None:
    assert run("kill -9 0").signal == 9
    assert run("kill -TERM 0").signal == 15
    assert run("echo next").stdout == b"next\n"


def test_a_halt_ends_it_and_begins_no_other(signs: Signs, tmp_path: Path) -> None:
    os.eventfd_write(signs.halt_fd, 1)
    done = run("sleep 1000")
    assert (done.stopped, done.reason, done.signal) == (True, "was ended with the whole run", 15)
    signs.hold()
    assert run("echo never") == NOT_BEGUN


def test_it_dies_with_its_worker(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    line = f"trap '' TERM HUP INT; exec 9>{tmp_path}/alive; echo up >&9; (sleep 1000 &) ; sleep 1000"
    worker = os.fork()
    if not worker:
        try:
            prepare(Signs())
            run(line)
        finally:
            os._exit(1)
    try:
        assert select.select([alive], [], [], 20)[0]
        assert os.read(alive, 3) == b"up\n"
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        assert ended(alive)
    finally:
        os.close(alive)


def test_ctrl_z_stops_the_command_with_its_worker(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    os.mkfifo(tmp_path / "go")
    pid, go = (os.open(tmp_path / name, os.O_RDWR) for name in ("pid", "go"))
    out, out_in = os.pipe()
    worker = os.fork()
    if not worker:
        try:
            os.setpgid(0, 0)
            prepare(Signs())
            done = run(f"echo $$ >{tmp_path}/pid; read x <{tmp_path}/go; echo $x", 20)
            os.write(out_in, done.stdout if isinstance(done.stdout, bytes) else b"?")
        finally:
            os._exit(1)
    try:
        assert select.select([pid], [], [], 20)[0]
        command = int(os.read(pid, 20))
        os.kill(worker, signal.SIGTSTP)
        os.waitid(os.P_PID, worker, os.WSTOPPED)
        deadline = time.monotonic() + 20
        while state_and_parent(command)[0] != "T":
            assert time.monotonic() < deadline
        os.kill(worker, signal.SIGCONT)
        os.write(go, b"went on\n")
        assert select.select([out], [], [], 20)[0]
        assert os.read(out, 20) == b"went on\n"
        os.waitpid(worker, 0)
    finally:
        for fd in (pid, go, out, out_in):
            os.close(fd)


def ended(reader: int) -> bool:
    """Wait until nobody has the FIFO open for writing any more."""
    poll = select.poll()
    poll.register(reader, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(10_000))
