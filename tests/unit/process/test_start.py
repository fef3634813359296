"""Both ways to start a child: what it has, what it has not, and that it never outlives its parent."""

from __future__ import annotations

import ast
import fcntl
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import procession
from procession.linux import pidfd
from procession.linux.keepalive import Keepalive
from procession.process import start as start_module
from procession.process.child import Child
from procession.process.start import FORK, SPAWN, SignalsHeld, fork_child, safe_start_method, spawn_child
from tests.harness import processes

Fork = Callable[..., Child]
Adopt = Callable[[Child], Child]
SECONDS = 20  # a bound for a loaded machine
ENTRIES = "tests.unit.process.entries"
SOURCES = str(Path(procession.__path__[0]).parent)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawned interpreters find our entries."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]))


# ── fork ──────────────────────────────────────────────────────────────────────────────────────────


def answer_of(fork: Fork, pipe: tuple[int, int], question: Callable[[], object], **more: Any) -> Any:
    """What ``question`` returns in a forked child."""
    child = fork(lambda: os.write(pipe[1], repr(question()).encode()) and None, **more)
    assert child.wait().code == 0  # type: ignore[union-attr]
    return ast.literal_eval(os.read(pipe[0], 65536).decode())


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_named_descriptors_are_closed_in_the_child_only(
    fork: Fork, pipe: tuple[int, int], keepalive: Keepalive
) -> None:
    private, kept = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
    watched = [os.fstat(fd).st_ino for fd in (kept, keepalive.read_fd)]

    def facts() -> list[object]:
        # Numbers are used again, so the pipe is looked for by its inode.
        held = {int(name) for name in os.listdir("/proc/self/fd")}
        pipe_ends = [fd for fd in held if is_open(fd) and os.fstat(fd).st_ino == watched[1]]
        modes = [fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE for fd in pipe_ends]
        return [os.fstat(kept).st_ino == watched[0], private in held, modes]

    try:
        assert answer_of(fork, pipe, facts, close=(private,)) == [True, False, [os.O_RDONLY]]
        assert all(is_open(fd) for fd in (private, kept, keepalive.write_fd, keepalive.read_fd))
    finally:
        os.close(private)
        os.close(kept)


def test_signals_in_a_forked_child(fork: Fork, pipe: tuple[int, int]) -> None:
    def facts() -> list[object]:
        return [
            signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
            signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
            [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
            signal.set_wakeup_fd(-1),
        ]

    wakeup, other = os.pipe2(os.O_NONBLOCK)
    old_term = signal.signal(signal.SIGTERM, lambda *_: None)
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    old_wakeup = signal.set_wakeup_fd(other)
    try:
        assert answer_of(fork, pipe, facts) == [True, True, [signal.SIGUSR2], -1]
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGUSR2}
    finally:
        signal.set_wakeup_fd(old_wakeup)
        signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
        signal.signal(signal.SIGTERM, old_term)
        os.close(wakeup)
        os.close(other)


@pytest.mark.parametrize("error", [ValueError("a word"), SystemExit(5), KeyboardInterrupt()])
def test_an_exception_ends_a_forked_child_with_code_1_and_a_traceback(
    error: BaseException, fork: Fork, capfd: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error

    ended = fork(main).wait()
    assert ended is not None
    assert ended.reason == "exited with code 1"
    printed = capfd.readouterr().err
    assert "in main\n    raise error" in printed
    assert type(error).__name__ in printed


def test_a_forked_child_never_runs_what_is_the_parents(fork: Fork, pipe: tuple[int, int]) -> None:
    """Neither finally blocks on the stack nor exit handlers."""
    import atexit

    def told() -> None:
        os.write(pipe[1], str(os.getpid()).encode() + b" ")

    atexit.register(told)
    try:
        try:
            fork(lambda: sys.exit(0)).wait()
        finally:
            told()
    finally:
        atexit.unregister(told)
    assert os.read(pipe[0], 100) == f"{os.getpid()} ".encode()


PRINTS = """
import os, sys
from procession.linux.keepalive import open_keepalive
from procession.process.start import fork_child
sys.stdout.write("parent ")  # buffered: stdout is a pipe
{spoil}
child = fork_child(lambda: sys.stdout.write("child "), open_keepalive())
code = child.wait().code
sys.stdout.write("parent again")
sys.exit(code)
"""


def program(text: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    return subprocess.run(
        [sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False, **more
    )


def test_what_is_printed_is_printed_once() -> None:
    done = program(PRINTS.format(spoil=""))
    assert (done.returncode, done.stdout, done.stderr) == (0, "parent child parent again", "")


@pytest.mark.parametrize("spoil", ["sys.stderr.close()", "sys.stderr = None"])
def test_a_closed_stream_does_not_prevent_a_fork(spoil: str) -> None:
    done = program(PRINTS.format(spoil=spoil))
    assert (done.returncode, done.stdout) == (0, "parent child parent again")


# ── both ──────────────────────────────────────────────────────────────────────────────────────────


def start(method: str, keepalive: Keepalive, told: int) -> Child:
    """A child that says ``here`` into ``told`` and stays."""
    if method == SPAWN:
        return spawn_child(f"{ENTRIES}:wait", keepalive, (told,))

    def main() -> None:
        from tests.unit.process import entries

        entries.wait("", told)

    return fork_child(main, keepalive)


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("method", [FORK, SPAWN])
def test_sigint_is_for_the_parent_only(
    method: str, keepalive: Keepalive, adopt: Adopt, pipe: tuple[int, int]
) -> None:
    child = adopt(start(method, keepalive, pipe[1]))
    assert os.read(pipe[0], 4) == b"here"
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    ended = child.wait()
    assert ended is not None
    assert ended.reason == "was killed by SIGTERM (15)"


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("method", [FORK, SPAWN])
def test_a_sigint_before_the_child_is_ready_is_ignored_too(
    method: str, keepalive: Keepalive, adopt: Adopt, pipe: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    child = adopt(start(method, keepalive, pipe[1]))
    for _ in range(1000):
        child.send_signal(signal.SIGINT)
        if select.select([pipe[0], child.pidfd], [], [], 0)[0]:
            break
    assert select.select([pipe[0], child.pidfd], [], [])[0] == [pipe[0]]
    assert os.read(pipe[0], 4) == b"here"
    assert "KeyboardInterrupt" not in capfd.readouterr().err


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("method", [FORK, SPAWN])
def test_no_descriptor_left_for_a_pidfd_means_no_child_left(
    method: str, keepalive: Keepalive, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int) -> int:
        raise OSError(24, "Too many open files")

    before = processes.descendants(os.getpid())
    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(OSError, match="Too many"):
        start(method, keepalive, pipe[1])
    assert processes.descendants(os.getpid()) == before


SPINS = """
import ctypes, os, signal, sys
from procession.linux.keepalive import open_keepalive
from procession.process.start import fork_child, spawn_child
def spin():
    os.write(1, f"{os.getpid()}\\n".encode())
    ctypes.PyDLL(None).sleep(1000)  # PyDLL does not release the GIL: no Python code runs here any more
"""
FORKED_SPIN = SPINS + "fork_child(spin, open_keepalive())\nsignal.pause()\n"
SPAWNED_SPIN = SPINS + "spawn_child('spinning:arrive', open_keepalive(), ())\nsignal.pause()\n"


@pytest.mark.parametrize("text", [FORKED_SPIN, SPAWNED_SPIN], ids=[FORK, SPAWN])
def test_a_child_that_holds_the_gil_dies_with_its_killed_parent(text: str, tmp_path: Path) -> None:
    (tmp_path / "spinning.py").write_text(SPINS + "def arrive(argument): spin()\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{SOURCES}:{tmp_path}"}
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = pidfd.open_pidfd(int(parent.stdout.readline()))
        try:
            assert not pidfd.wait_exit(child, 0)
            parent.kill()
            assert pidfd.wait_exit(child, SECONDS)
        finally:
            os.close(child)


# ── spawn ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("importable")
def test_a_spawned_child_has_what_it_was_given_and_nothing_else(
    keepalive: Keepalive, adopt: Adopt, pipe: tuple[int, int], tmp_path: Path
) -> None:
    with open(tmp_path / "ours", "w", encoding="utf-8") as ours:
        child = adopt(spawn_child(f"{ENTRIES}:report", keepalive, (pipe[1], pipe[0]), 'it\'s "said"\n'))
        assert child.wait().code == 0  # type: ignore[union-attr]
    facts = ast.literal_eval(os.read(pipe[0], 65536).decode())
    assert facts["argument"] == 'it\'s "said"\n'
    assert facts["descriptors"] == (4, 5)
    assert facts["inheritable"] == []
    assert ours.name not in facts["open"]
    pipes = [os.readlink(f"/proc/self/fd/{fd}") for fd in (keepalive.read_fd, pipe[0])]
    assert [facts["open"].count(name) for name in pipes] == [1, 2]
    assert facts["sigint"] is True
    assert facts["mask"] == []


def test_a_spawned_interpreter_is_not_led_astray_by_the_current_folder(
    keepalive: Keepalive, adopt: Adopt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]
) -> None:
    for name in ("socket", "pickle", "signal", "random"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    monkeypatch.chdir(tmp_path)
    child = adopt(spawn_child(f"{ENTRIES}:report", keepalive, (pipe[1],)))
    assert child.wait().code == 0  # type: ignore[union-attr]
    facts = ast.literal_eval(os.read(pipe[0], 65536).decode())
    assert "" not in facts["path"]
    assert SOURCES not in facts["path"][:1]


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize("entry", [f"{ENTRIES}:fail", f"{ENTRIES}:is_not_there", "is.not.there:fail"])
def test_an_exception_ends_a_spawned_child_with_code_1_and_a_traceback(
    entry: str, keepalive: Keepalive, adopt: Adopt, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = adopt(spawn_child(entry, keepalive, ())).wait()
    assert ended is not None
    assert ended.reason == "exited with code 1"
    assert "Traceback" in capfd.readouterr().err


def test_a_program_that_is_not_there_leaves_nothing(
    keepalive: Keepalive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/is/not/there")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(FileNotFoundError):
        spawn_child(f"{ENTRIES}:report", keepalive, ())
    assert os.listdir("/proc/self/fd") == before


# ── signals and threads ───────────────────────────────────────────────────────────────────────────


def test_a_held_signal_comes_at_the_end_of_the_block() -> None:
    seen = []
    with pytest.raises(KeyboardInterrupt):  # noqa: SIM117
        with SignalsHeld() as held:
            signal.raise_signal(signal.SIGINT)
            seen.append("still here")
            assert signal.SIGINT not in held.before
    assert seen == ["still here"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_signal_that_came_just_before_leaves_the_mask_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    real = signal.pthread_sigmask
    before = real(signal.SIG_BLOCK, ())

    def interrupted(how: int, mask: Any) -> Any:
        result = real(how, mask)
        if how == signal.SIG_BLOCK and mask:
            raise KeyboardInterrupt  # what a handler does that runs at the end of pthread_sigmask
        return result

    monkeypatch.setattr(start_module, "_set_mask", interrupted)
    with pytest.raises(KeyboardInterrupt), SignalsHeld():
        pytest.fail("the block must not be entered")
    assert real(signal.SIG_BLOCK, ()) == before


def test_fork_is_safe_with_one_thread_and_only_then() -> None:
    assert safe_start_method() == FORK
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    assert safe_start_method() == SPAWN
    go.set()
    thread.join()


@pytest.mark.usefixtures("importable")
def test_few_descriptors_are_enough_for_a_spawn(
    keepalive: Keepalive, adopt: Adopt, pipe: tuple[int, int]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, hard))
    try:
        child = adopt(spawn_child(f"{ENTRIES}:report", keepalive, (pipe[1],)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert child.wait().code == 0  # type: ignore[union-attr]
