"""The harness keeps its promises: whatever a test leaves behind fails it, and nothing hangs."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.harness.places import ROOT, Unprivileged, file_system
from tests.harness.program import Program
from tests.harness.terminal import Starter

Inner = Callable[..., pytest.RunResult]


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Inner:
    """Run a test file under the harness in a pytest of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def run(source: str) -> pytest.RunResult:
        pytester.makepyfile(dedent(source))
        plugins = [word for name in ("leaks", "hang") for word in ("-p", f"tests.harness.{name}")]
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", "markers=hang_limit", *plugins)

    return run


# What a test does → how the harness words it.
LEAKS = {
    "child": (
        """
        import subprocess
        def test():
            global program
            program = subprocess.Popen(["sleep", "77"])
        """,
        r"child \(state \w\) \d+ of \d+: sleep 77",
    ),
    "zombie": (
        """
        import os
        def test():
            pid = os.fork()
            pid or os._exit(0)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        """,
        r"zombie child \d+",
    ),
    "orphan": (
        """
        import subprocess
        def test():
            subprocess.run(["sh", "-c", "setsid sleep 78 >/dev/null 2>&1 &"], check=True)
        """,
        r"child \(state \w\) \d+ of \d+: sleep 78",
    ),
    "forked orphan": (
        """
        import os, signal
        def test():
            pid = os.fork()
            if not pid:
                os.setsid()
                os.fork() or signal.pause()
                os._exit(0)
            os.waitpid(pid, 0)
        """,
        r"child \(state \w\) \d+ of \d+: .*pytest",
    ),
    "descriptor": (
        """
        import os
        def test():
            os.pipe()
        """,
        r"fd \d+ -> pipe:\[\d+\]",
    ),
    "thread": (
        """
        import threading
        def test():
            threading.Thread(target=threading.Event().wait, daemon=True, name="lost").start()
        """,
        r"thread \d+: lost",
    ),
    "shared memory": (
        """
        from pathlib import Path
        from tests.harness import leaks
        # Not the real one: a test run beside this one would find the file there and fail.
        leaks.SHARED_MEMORY = str(Path("shm").absolute())
        Path("shm").mkdir()
        def test():
            Path("shm/lost").touch()
        """,
        r"shared memory /.*/shm/lost",
    ),
    "memfd": (
        """
        import mmap, os
        def test():
            global page
            fd = os.memfd_create("lost")
            os.ftruncate(fd, 4096)
            page = mmap.mmap(fd, 4096, prot=mmap.PROT_READ)
            os.close(fd)
        """,
        r"mapping of /memfd:lost \(deleted\) \(inode \d+\)",
    ),
}


QUICK = (
    "child",
    "descriptor",
    "thread",
    "memfd",
)  # each starts a pytest of its own: the others take half a minute


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[] if what in QUICK else pytest.mark.slow) for what in LEAKS]
)
def test_a_leak_fails_the_test_and_is_named(inner: Inner, what: str) -> None:
    source, words = LEAKS[what]
    result = inner(dedent(source) + "\ndef test_next():\n    pass")
    result.assert_outcomes(passed=2, errors=1)
    assert re.search(words, result.stdout.str())


def test_a_leaked_child_is_killed_before_the_next_test(inner: Inner) -> None:
    result = inner(
        "import os, subprocess\n"
        "def test_leaves():\n    global p\n    p = subprocess.Popen(['sleep', '79'])\n"
        "def test_sees():\n"
        "    assert not os.path.exists(f'/proc/{p.pid}')\n"
        "    p.wait()"
    )
    result.assert_outcomes(passed=2, errors=1)


def test_a_clean_test_passes(inner: Inner) -> None:
    result = inner(
        "import os, subprocess, threading\n"
        "def test(tmp_path):\n"
        "    subprocess.run(['true'], check=True)\n"
        "    t = threading.Thread(target=int)\n    t.start()\n    t.join()\n"
        "    (tmp_path / 'file').write_text('kept')"
    )
    result.assert_outcomes(passed=1)


def test_a_hang_fails_with_stacks_and_children(inner: Inner) -> None:
    result = inner(
        "import pytest, subprocess\n"
        "@pytest.mark.hang_limit(0.5)\n"
        "def test_waits_for_ever():\n"
        "    with subprocess.Popen(['sleep', '76']) as p:\n        p.wait()\n"
        "def test_next():\n    pass"
    )
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "hung: not done after 0.5 s" in text
    assert "in test_waits_for_ever" in text
    assert re.search(r"child \d+ of \d+, state S: sleep 76", text)
    assert "wchan: " in text


def test_a_hang_that_swallows_exceptions_fails_too(inner: Inner) -> None:
    result = inner(
        "import pytest, signal\nfrom tests.harness import hang\nhang.AGAIN = 0.2\n"
        "@pytest.mark.hang_limit(0.2)\n"
        "def test():\n"
        "    for _ in range(2):\n"
        "        try:\n            signal.pause()\n        except BaseException:\n            pass\n"
        "    signal.pause()"
    )
    result.assert_outcomes(failed=1)


def test_a_hang_in_c_code_ends_pytest_with_stacks(inner: Inner) -> None:
    result = inner(
        "import ctypes, pytest\nfrom tests.harness import hang\nhang.BACKSTOP = 0.3\n"
        "@pytest.mark.hang_limit(0.2)\n"
        "def test_deaf():\n"
        "    mutex = ctypes.create_string_buffer(64)\n"
        "    lock = ctypes.PyDLL(None).pthread_mutex_lock\n"
        "    lock(mutex), lock(mutex)\n"
    )
    assert result.ret == -signal.SIGABRT
    assert "in test_deaf" in result.stderr.str()
    assert result.duration < 15


def test_disk_dir_is_on_a_disk_and_tmpfs_dir_in_memory(disk_dir: Path, tmpfs_dir: Path) -> None:
    assert file_system(disk_dir) not in ("tmpfs", "ramfs")
    assert file_system(tmpfs_dir) == "tmpfs"


@pytest.mark.root
def test_small_tmpfs_fills_up(small_tmpfs: Callable[..., Path]) -> None:
    folder = small_tmpfs("1M")
    with pytest.raises(OSError, match="No space left"):
        (folder / "big").write_bytes(bytes(2 << 20))


def test_unprivileged_is_somebody_else_than_root(unprivileged: Unprivileged) -> None:
    secret = Path("/etc/shadow")
    assert unprivileged.call(os.geteuid) == unprivileged.uid != 0
    assert unprivileged.run("id", "-u").stdout.decode().strip() == str(unprivileged.uid)
    with pytest.raises(PermissionError):
        unprivileged.call(secret.read_bytes)
    assert unprivileged.pn("--version").stdout.startswith(b"pn ")


def test_pn_runs_the_program(pn: Program) -> None:
    ran = pn("--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("pn ")


TALKER = """
import os, signal, sys
signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b"size %d\\n" % os.get_terminal_size().columns))
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"usr1\\n"))
print("\\x1b[1mname?\\x1b[0m ", end="", flush=True)
print("hello", sys.stdin.readline().strip(), os.isatty(0), os.tcgetpgrp(0) == os.getpid(), flush=True)
while True:
    signal.pause()
"""


def test_pn_tty_is_a_terminal_with_a_person_at_it(pn_tty: Starter) -> None:
    talk = pn_tty(program=(sys.executable, "-c", TALKER), columns=90)
    assert talk.wait_for("name?") == "name?"
    talk.send("Ada", "enter")
    talk.wait_for("hello Ada True True")
    talk.resize(30, 101)
    talk.wait_for(re.compile(r"size 101"))
    talk.signal(signal.SIGUSR1)
    talk.wait_for("usr1")
    talk.send("ctrl-c")
    assert talk.wait_exit() == -signal.SIGINT
    assert "\x1b[1m" in talk.transcript
    assert "KeyboardInterrupt" in talk.text


def test_pn_tty_says_what_it_waited_for(pn_tty: Starter) -> None:
    talk = pn_tty(program=("sh", "-c", "echo only this"))
    begun = time.monotonic()
    with pytest.raises(pytest.fail.Exception, match=r"'never': (?s:.)*only this"):
        talk.wait_for("never", seconds=5)
    assert time.monotonic() - begun < 4  # it does not wait on a closed terminal
    assert talk.wait_exit() == 0
