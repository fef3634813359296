"""``pn stack``: Python's calls, and what each thread waits for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import specimens
from tests.harness.places import Unprivileged
from tests.harness.program import Program
from tests.harness.specimens import Specimen

PROGRAM = """
def outer():
    inner()
def inner():
    say(it=os.getpid())
    signal.pause()
def work():
    signal.sigwait([signal.SIGUSR1])
ready = threading.Event()
thread = threading.Thread(target=work, name="a \\x1b[31mworker", daemon=True)
thread.start()
outer()
"""


@pytest.fixture
def found() -> Iterator[Specimen]:
    with specimens.sleeping(PROGRAM) as found:
        yield found


@pytest.fixture
def spy() -> None:
    from procession.table.stacks import find_spy

    if find_spy() is None:
        pytest.skip("py-spy is not installed")


@pytest.mark.usefixtures("spy")
def test_calls_and_waits_of_all_threads(pn: Program, found: Specimen) -> None:
    ran = pn("stack", str(found.pid))
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"pid {found.pid}  ")
    assert lines[0].endswith("(asleep, 2 threads)")
    main = lines.index(f'thread {found.pid} "MainThread": waits for a signal (pause)')
    calls = [line.split()[0] for line in lines[main + 1 : main + 4]]
    assert calls == ["inner", "outer", "<module>"]
    assert any('"a ?[31mworker": waits for a signal (rt_sigtimedwait)' in line for line in lines)
    assert "\x1b" not in ran.out


@pytest.mark.usefixtures("spy")
def test_json(pn: Program, found: Specimen) -> None:
    (line,) = pn("stack", "--json", str(found.pid)).out.splitlines()
    threads = json.loads(line)["threads"]
    assert [each["function"] for each in threads[0]["frames"]][:2] == ["inner", "outer"]
    assert threads[1]["name"] == "a \x1b[31mworker"
    assert threads[1]["waits"] == "waits for a signal (rt_sigtimedwait)"


def test_a_program_that_is_no_python_shows_the_kernels_side(pn: Program) -> None:
    other = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        specimens.sleeps_in(other.pid, "pipe_read")
        ran = pn("stack", str(other.pid))
        assert (ran.code, ran.err) == (0, "")
        lines = ran.out.splitlines()
        assert lines[0] == f"pid {other.pid}  cat  (asleep)"
        assert lines[1].startswith(f"thread {other.pid}: reads from pipe ")
        assert all(line.endswith(" (kernel)") for line in lines[2:])
    finally:
        assert other.stdin is not None
        other.stdin.close()
        other.wait()


def test_without_py_spy_it_says_what_to_install(found: Specimen, pn: Program) -> None:
    # An interpreter that is a link elsewhere has no py-spy beside it.
    code = "import sys; sys.executable = '/nowhere/python'; from procession.cli import main; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", code, "stack", str(found.pid)],
        env={"PATH": "/usr/bin:/bin"},
        cwd=pn.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0
    assert f"thread {found.pid}: waits for a signal (pause)" in ran.stdout
    assert ran.stderr == (
        f"pn stack: pid {found.pid}: the Python calls are not shown: py-spy is missing: pip install 'procession[stack]'\n"
    )


def test_a_zombie_has_no_calls(pn: Program) -> None:
    with specimens.zombie() as found:
        ran = pn("stack", str(found.pid))
        assert ran.code == 0
        assert ran.out.startswith(f"pid {found.pid}  [")
        assert "(a zombie)" in ran.out


def test_nobody_and_usage(pn: Program) -> None:
    ran = pn("stack", "4194304")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "pn stack: 4194304: there is no such process: pn ps lists them\n"
    ran = pn("stack")
    assert ran.code == 2
    assert ran.err == "pn stack: whose stack? name a process: pn stack PID\n"


@pytest.mark.root
@pytest.mark.usefixtures("spy")
def test_of_somebody_else(unprivileged: Unprivileged, found: Specimen, tmp_path: Path) -> None:
    assert tmp_path.exists()
    ran = unprivileged.pn("stack", str(found.pid))
    text = ran.stdout.decode()
    assert "waits for something" in text
    # Their interpreter may have no py-spy at all.
    assert ran.returncode == (0 if b"py-spy is missing" in ran.stderr else 1)
