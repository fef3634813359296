"""``pn wait``: processes that are not its children."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness.program import Program

Made = list[subprocess.Popen[bytes]]


def waits_for_a_byte(*, then: str = "") -> subprocess.Popen[bytes]:
    """Ends when its standard input does, and as told."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import os; os.read(0, 1); {then}"], stdin=subprocess.PIPE
    )


def let_go(one: subprocess.Popen[bytes]) -> None:
    assert one.stdin is not None
    one.stdin.close()
    one.wait()


@pytest.fixture
def made() -> Iterator[Made]:
    found: Made = []
    yield found
    for each in found:
        if each.poll() is None:
            each.kill()
        assert each.stdin is not None
        each.stdin.close()
        each.wait()


def line_of(program: subprocess.Popen[bytes]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().decode()


def test_it_waits_for_all_and_says_how_they_ended(pn: Program, made: Made) -> None:
    one = waits_for_a_byte(then="os._exit(3)")
    other = waits_for_a_byte(then="os.kill(os.getpid(), 9)")
    made += [one, other]
    program = pn.start("wait", "-e", str(one.pid), str(other.pid))
    assert [line_of(program).split()[:2] for _ in range(2)] == [["waiting", "for"]] * 2
    let_go(one)
    assert line_of(program).startswith(f"pid {one.pid} (python")
    assert program.poll() is None
    let_go(other)
    assert f"pid {other.pid} (python" in line_of(program)
    assert program.wait() == 0


def test_the_exit_code_of_a_zombie_is_known(pn: Program, made: Made) -> None:
    one = waits_for_a_byte(then="os._exit(3)")
    made.append(one)
    assert one.stdin is not None
    one.stdin.close()
    os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
    assert pn("wait", str(one.pid)).out.endswith("exited with code 3\n")


def test_any_one_of_them_is_enough(pn: Program, made: Made) -> None:
    made += [waits_for_a_byte(), waits_for_a_byte()]
    program = pn.start("wait", "--any", "-e", *(str(each.pid) for each in made))
    line_of(program), line_of(program)
    let_go(made[1])
    assert program.wait() == 0
    assert made[0].poll() is None


def test_the_time_is_over(pn: Program, made: Made) -> None:
    made.append(waits_for_a_byte())
    ran = pn("wait", "--timeout", "0.01", str(made[0].pid))
    assert ran.code == 3
    assert f"pid {made[0].pid} (" in ran.err
    assert "still runs" in ran.err


def test_patterns_and_criteria(pn: Program, made: Made) -> None:
    made.append(waits_for_a_byte(then="'a mark of this test'"))
    program = pn.start("wait", "-c", "-e", "-f", "a mark of this [t]est", "-P", str(os.getpid()))
    assert line_of(program) == "1\n"
    line_of(program)
    let_go(made[0])
    assert program.wait() == 0


def test_exit_codes(pn: Program) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    ran = pn("wait", str(gone.pid))
    assert (ran.code, ran.err) == (1, f"pn wait: pid {gone.pid}: there is no such process\n")
    assert pn("wait", "-x", "nobody-has-this").code == 1
    for words in (
        [],
        ["--timeout", "x", "1"],
        ["a", "b"],
        ["-f", "["],
        ["-u", "root", "1"],
        ["-u", "nosuchuser"],
    ):
        ran = pn("wait", *words)
        assert ran.code == 2, words
        assert ran.err.startswith("pn wait: "), words
        assert ran.err.count("\n") == 1, words
    assert "examples:" in pn("wait", "--help").out
