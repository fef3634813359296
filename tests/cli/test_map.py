"""``pn map`` as a person and as a script meet it."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from procession.cli.map_options import COMMAND
from tests.harness.processes import state_and_parent
from tests.harness.program import Program
from tests.harness.terminal import Starter

GOLDEN = Path(__file__).with_name("golden")


class Fifo:
    """Commands block on ``read x < FIFO``, or say with ``exec 9> FIFO`` how long they live."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def let_go(self, count: int = 1) -> None:
        """Let so many readers go on."""
        os.write(self._fd, b"\n" * count)

    def line(self) -> str:
        """Wait for a line that a command has written."""
        assert select.select([self._fd], [], [], 20)[0], f"nothing came through {self.path}"
        found = b""
        while not found.endswith(b"\n"):
            found += os.read(self._fd, 1)
        return found.decode().strip()

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Callable[[str], Fifo]]:
    made: list[Fifo] = []

    def make(name: str) -> Fifo:
        made.append(Fifo(tmp_path / name))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ended(pid: int) -> bool:
    """Wait for the end of a process that is not our child."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 20)[0]) or state_and_parent(pid)[0] in ("", "Z")
    finally:
        os.close(pidfd)


def log_of(path: Path) -> list[tuple[str, bool]]:
    return [(told["input"], told["ok"]) for told in map(json.loads, path.read_text().splitlines())]


# -- inputs and outputs -----------------------------------------------------------------------------


def test_a_command_for_each_input(pn: Program) -> None:
    ran = pn("map", "echo {} {.} >&2; echo {#}", "a.b", "c d.e")
    assert (ran.code, ran.out, ran.err) == (0, "1\n2\n", "a.b a\nc d.e c d\n")


def test_the_lines_of_standard_input(pn: Program) -> None:
    ran = pn("map", "-j", "3", "echo", "x{}", "$HOME", stdin=b"a\n\nb c\nd")
    assert (ran.code, ran.out, ran.err) == (0, "xa $HOME\nxb c $HOME\nxd $HOME\n", "")


def test_the_same_as_xargs(pn: Program) -> None:
    names = b"".join(b"%d\\ '\"$(x)\xff\n-n;\0" % n for n in range(60))
    ours = pn("map", "-0", "printf", "<%s>", "{}", stdin=names)
    theirs = subprocess.run(
        ["xargs", "-0", "-n1", "printf", "<%s>"], input=names, capture_output=True, check=True
    )
    assert ours.out.encode("utf-8", "surrogateescape") == theirs.stdout
    assert ours.code == 0
    grouped = pn("map", "-N", "7", "printf", "<%s>", ":::", *"abcdefghi")
    assert grouped.out == "".join(f"<{letter}>" for letter in "abcdefghi")
    ours = pn("map", "-0", "-N7", "echo", "x", "{}", stdin=names)
    theirs = subprocess.run(["xargs", "-0", "-n7", "echo", "x"], input=names, capture_output=True, check=True)
    assert ours.out.encode("utf-8", "surrogateescape") == theirs.stdout


def test_inputs_from_a_file_and_behind_colons(pn: Program, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("a\nb\n")
    assert pn("map", "-a", tmp_path / "list", "echo", "-n", "x").out == "x ax b"
    assert pn("map", "echo", "-n", ":::", "c", "-d").out == "c-d"
    assert pn("map", "-a", "-", "echo", stdin=b"z\n").out == "z\n"
    assert pn("map", "echo", ":::").out == ""


def test_outputs_are_whole_and_in_order(pn: Program, fifo: Callable[[str], Fifo]) -> None:
    gate = fifo("gate")
    line = f"echo begin {{}}; [ {{}} = 1 ] && read x < {gate.path}; head -c 300000 /dev/zero | tr '\\0' {{}}"
    program = pn.start("map", "-j", "2", f"{line}; echo; [ {{}} = 9 ] && echo >{gate.path}; :", *"123456789")
    out, err = program.communicate()
    assert (program.returncode, err) == (0, b"")
    assert out == b"".join(b"begin %c\n" % n + bytes([n]) * 300_000 + b"\n" for n in b"123456789")


def test_unordered_comes_as_it_ends(pn: Program, fifo: Callable[[str], Fifo]) -> None:
    gate = fifo("gate")
    line = f"[ {{}} = 1 ] && read x < {gate.path}; echo {{}}"
    program = pn.start("map", "-u", "-j2", line, "1", "2")
    assert program.stdout is not None
    assert program.stdout.readline() == b"2\n"
    gate.let_go()
    assert program.communicate()[0] == b"1\n"


def test_slow_inputs_do_not_hold_back_outputs(pn: Program) -> None:
    program = pn.start("map", "echo")
    assert program.stdin is not None
    assert program.stdout is not None
    for name in (b"a\n", b"b\n"):
        program.stdin.write(name)
        program.stdin.flush()
        assert program.stdout.readline() == name
    assert program.communicate()[0] == b""
    assert program.returncode == 0


def test_endless_inputs_for_a_reader_that_leaves(pn: Program, tmp_path: Path) -> None:
    words = f"yes | {pn_words()} map echo | head -n 3"
    done = subprocess.run(["sh", "-c", words], capture_output=True, check=False, cwd=tmp_path, timeout=50)
    assert (done.stdout, done.stderr) == (b"y\ny\ny\n", b"")


def pn_words() -> str:
    import sys

    return f"{sys.executable} -m procession"


def test_tags(pn: Program) -> None:
    ran = pn(
        "map", "--tag", "printf 'a\\nb'; echo c >&2; head -c 70000 /dev/zero | tr '\\0' z; : {}", "x", "y\n"
    )
    long = "z" * 70000
    assert ran.out == f"x\ta\nx\tb{long}\n" + f"y\\n\ta\ny\\n\tb{long}\n"
    assert ran.err == "x\tc\ny\\n\tc\n"


def test_json(pn: Program) -> None:
    line = "printf 'a\\377é'; echo b >&2; exit {}"
    ran = pn("map", "--json", line, "0", "3", b"\xff")
    assert ran.code == 1
    first, second, third = map(json.loads, ran.out.splitlines())
    assert 0 < first.pop("seconds") < 20
    assert first == {
        "input": "0",
        "command": "printf 'a\\377é'; echo b >&2; exit 0",
        "number": 1,
        "ok": True,
        "code": 0,
        "signal": None,
        "reason": "ended normally",
        "attempt": 1,
        "stdout": "a\udcffé",
        "stderr": "b\n",
    }
    assert (second["code"], second["reason"], second["ok"]) == (3, "exited with code 3", False)
    assert third["input"] == "\udcff"
    assert (
        ran.err == "pn map: 2 of 3 commands failed:\n  3: exited with code 3\n  \\xff: exited with code 2\n"
    )


def test_large_outputs_as_json(pn: Program) -> None:
    ran = pn("map", "--json", "-j1", "head -c {} /dev/zero", "200001", "3")
    assert [len(json.loads(line)["stdout"]) for line in ran.out.splitlines()] == [200_001, 3]


def test_dry_run(pn: Program, tmp_path: Path) -> None:
    ran = pn("map", "-n", "touch {} | wc", "a b", "c")
    assert (ran.code, ran.out, ran.err) == (0, "touch 'a b' | wc\ntouch c | wc\n", "")
    ran = pn("map", "--dry-run", "touch", "--", "{}", stdin=b"a b\n")
    assert ran.out == "touch -- 'a b'\n"
    assert os.listdir(pn.home) == []


# -- failures ---------------------------------------------------------------------------------------


def test_failures_are_listed(pn: Program) -> None:
    ran = pn("map", "-j", "2", "exit {}", *map(str, range(30)))
    assert (ran.code, ran.out) == (1, "")
    lines = ran.err.splitlines()
    assert lines[0] == "pn map: 29 of 30 commands failed:"
    assert lines[1:21] == [f"  {n}: exited with code {n}" for n in range(1, 21)]
    assert lines[21:] == ["  and 9 more"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "COMMAND is missing: pn map COMMAND INPUT..., or ... | pn map COMMAND"),
        (["--wrong"], "unrecognized arguments: --wrong: see pn map --help"),
        (["-j", "0", "x"], "argument -j/--jobs: invalid number above 0 value: '0': see pn map --help"),
        (["-t", "never", "x"], "invalid number of seconds value: 'never': see pn map --help"),
        (["--halt", "soon", "x"], "invalid number or 'now' value: 'soon': see pn map --help"),
        (["-k", "-u", "x"], "--keep-order and --unordered: give one of them"),
        (["--resume", "x"], "--resume needs the log of the run before: --log FILE"),
        (["--tag", "--json", "x"], "--tag and --json: the object names its input"),
        (["-a", "none", "x"], "none: No such file or directory"),
        (["--log", "none/log", "x"], "none/log: No such file or directory"),
        (["echo '{}'", "x"], "{} stands inside quotes: write it without, its value is quoted already"),
    ],
)
def test_what_cannot_begin_is_one_line_and_code_2(pn: Program, words: list[str], says: str) -> None:
    ran = pn("map", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("pn map: ")
    assert ran.err.endswith(f"{says}\n")
    assert ran.err.count("\n") == 1


def test_options_end_at_the_command(pn: Program) -> None:
    assert pn("map", "--job", "1", "-q", "--", "echo", "-j", "{}", stdin=b"a\n").out == "-j a\n"
    assert pn("map", "-qj", "1", "echo", ":::", "-q").out == "-q\n"


def test_retries(pn: Program, tmp_path: Path) -> None:
    line = f"echo {{}} >> {tmp_path}/tries; [ $(grep -cx {{}} {tmp_path}/tries) = 3 ] && echo {{}}"
    ran = pn("map", "--json", "-r", "2", "--backoff", "0.01", line, "a", "b")
    assert (ran.code, ran.err) == (0, "")
    assert [json.loads(line)["attempt"] for line in ran.out.splitlines()] == [3, 3]
    ran = pn("map", "-r", "1", f"echo x >> {tmp_path}/more; : {{}}; exit 4", "a")
    assert (ran.code, ran.err) == (1, "pn map: 1 of 1 command failed:\n  a: exited with code 4\n")
    assert (tmp_path / "more").read_text() == "x\nx\n"


def test_a_time_limit_ends_children_that_do_not_listen(pn: Program, fifo: Callable[[str], Fifo]) -> None:
    pids = fifo("pids")
    line = f": {{}}; trap '' TERM; (sleep 1000 & echo $! >{pids.path}; wait) & echo $$ >{pids.path}; wait; sleep 1000"
    ran = pn("map", "-t", "0.3", "--grace", "0.2", line, "x")
    assert ran.code == 1
    assert (
        ran.err
        == "pn map: 1 of 1 command failed:\n  x: ran longer than 0.3 s and was killed by SIGKILL (9)\n"
    )
    assert all(ended(int(pids.line())) for _ in range(2))


def test_a_killed_worker_costs_its_command(pn: Program, tmp_path: Path) -> None:
    line = f"if [ {{}} = 2 ] && mkdir {tmp_path}/once 2>&-; then kill -9 $PPID; sleep 1000; fi; echo {{}}"
    ran = pn("map", "-j2", line, *"1234")
    assert ran.code == 1
    assert ran.out == "1\n3\n4\n"
    assert re.fullmatch(
        r"pn map: 1 of 4 commands failed:\n  2: its worker \d+ was killed by SIGKILL \(9\)\n", ran.err
    )
    (tmp_path / "once").rmdir()
    ran = pn("map", "-j2", "-r1", line, *"1234")
    assert (ran.code, ran.out, ran.err) == (0, "1\n2\n3\n4\n", "")


def test_halt_after_failures(pn: Program) -> None:
    ran = pn("map", "-j1", "--halt", "2", "echo {}; [ {} = 3 ]", *"12345")
    assert (ran.code, ran.out) == (1, "1\n2\n")
    assert ran.err.splitlines() == [
        "pn map: 2 of 2 commands failed:",
        "  1: exited with code 1",
        "  2: exited with code 1",
        "pn map: stopped because of the failures: 0 done, 3 to do; with --log FILE the next one can be resumed",
    ]


def test_halt_now_ends_the_others(pn: Program, fifo: Callable[[str], Fifo]) -> None:
    gate = fifo("gate")
    line = f"if [ {{}} = 1 ]; then read x < {gate.path}; exit 7; fi; echo >{gate.path}; exec sleep 1000"
    ran = pn("map", "-q", "-j2", "--halt", "now", line, "1", "2", "3")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "pn map: 1 of 1 command failed:\n  1: exited with code 7\n"


# -- the log ----------------------------------------------------------------------------------------


def test_resume_leaves_out_what_ended_well(pn: Program, tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = pn("map", "--log", log, f"echo {{}}; [ {{}} != b ] || [ -e {tmp_path}/fixed ]", *"abc")
    assert first.code == 1
    assert sorted(log_of(log)) == [("a", True), ("b", False), ("c", True)]
    (tmp_path / "fixed").touch()
    line = f"echo {{}}; [ {{}} != b ] || [ -e {tmp_path}/fixed ]"
    again = pn("map", "--log", log, "--resume", line, *"abcd")
    assert (again.code, again.out) == (0, "b\nd\n")
    assert again.err == "pn map: 2 inputs left out: done before\n"
    last = pn("map", "-q", "--log", log, "--resume", line, *"abcd")
    assert (last.code, last.out, last.err) == (0, "", "")
    refused = pn("map", "--log", log, line, *"abcd")
    assert refused.code == 2
    assert refused.err == f"pn map: {log} holds a log: --resume goes on with it, or name another file\n"
    assert pn("map", "-n", "--log", log, "--resume", line, "a", "e").out == f"{line.replace('{}', 'e')}\n"


def test_a_torn_last_line_runs_again(pn: Program, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pn("map", "-j1", "--log", log, "echo {}", "a", "b")
    text = log.read_bytes()
    log.write_bytes(text[:-5])
    again = pn("map", "--log", log, "--resume", "echo {}", "a", "b")
    assert (again.code, again.out) == (0, "b\n")
    assert again.err.startswith(
        f"pn map: the last line of {log} was torn and is left out: its input runs again\n"
    )
    assert log_of(log) == [("a", True), ("b", True)]


def test_killed_in_the_middle_and_resumed(pn: Program, tmp_path: Path, fifo: Callable[[str], Fifo]) -> None:
    gate, pids, log = fifo("gate"), fifo("pids"), tmp_path / "log"
    line = (
        f"[ {{}} = 5 ] && [ ! -e {tmp_path}/go ] && echo $$ >{pids.path} && read x < {gate.path}; echo {{}}"
    )
    inputs = [str(n) for n in range(1, 10)]
    program = pn.start("map", "-j2", "--log", log, line, *inputs)
    blocked = int(pids.line())
    assert program.stdout is not None
    assert [program.stdout.readline() for _ in range(4)] == [b"1\n", b"2\n", b"3\n", b"4\n"]
    program.kill()
    out = program.communicate()[0]
    assert out == b""
    assert ended(blocked)
    done = [name for name, ok in log_of(log) if ok]
    assert done in (["1", "2", "3"], ["1", "2", "3", "4"])
    (tmp_path / "go").touch()
    again = pn("map", "--log", log, "--resume", line, *inputs)
    assert again.code == 0
    assert again.out.split() == inputs[len(done) :]
    assert sorted(log_of(log)) == [(name, True) for name in inputs]


def test_a_log_that_cannot_be_written_stops_the_run(pn: Program) -> None:
    inputs = [str(n) for n in range(1, 201)]
    ran = pn("map", "-j1", "--log", "/dev/full", "echo {}", *inputs)
    assert ran.code == 1
    # What had ended by then is printed all the same; nothing further begins.
    printed = ran.out.split()
    assert printed == inputs[: len(printed)]
    assert 1 <= len(printed) < len(inputs)
    assert ran.err == (
        "pn map: the log cannot be written: No space left on device: stopped\n"
        f"pn map: stopped: {len(printed)} done, {len(inputs) - len(printed)} to do\n"
    )


# -- odd names --------------------------------------------------------------------------------------


ODD = [b"-n", b"--", b"a\nb", b"\xff\xfe", b" ", b"'\"", b"$(touch x)", b"`touch x`", b"{}", b"\x1b[2J", b"*"]


@pytest.mark.parametrize("command", [["printf '%s|' {}"], ["printf", "%s|", "{}"]], ids=["line", "words"])
def test_odd_names_arrive_as_they_are(pn: Program, command: list[str]) -> None:
    ran = pn("map", "-0", *command, stdin=b"\0".join(ODD))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.encode("utf-8", "surrogateescape") == b"".join(name + b"|" for name in ODD)
    assert os.listdir(pn.home) == []


def test_odd_names_are_harmless_in_the_list(pn: Program) -> None:
    ran = pn("map", "false", b"\xff\n", b"\x1b[2J", "")
    assert ran.err.splitlines()[1:] == [
        r"  \xff\n: exited with code 1",
        r"  \x1b[2J: exited with code 1",
        "  : exited with code 1",
    ]


def test_a_line_without_an_end(pn: Program) -> None:
    ran = pn("map", "echo {/}", stdin=b"a\n" + b"x" * 300_000)
    assert (ran.code, ran.out) == (1, "a\n")
    assert ran.err.startswith("pn map: the inputs end early: an input of more than 131,072 bytes")


# -- signals and the terminal -----------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_whole_groups(
    pn: Program, tmp_path: Path, fifo: Callable[[str], Fifo], number: signal.Signals, code: int
) -> None:
    pids, log = fifo("pids"), tmp_path / "log"
    line = f"[ {{}} = 1 ] && echo out && exit; sleep 1000 & echo $! >{pids.path}; wait"
    program = pn.start("map", "-j2", "--log", log, line, *"1234")
    sleeping = [int(pids.line()), int(pids.line())]
    program.send_signal(number)
    out, err = program.communicate()
    assert (program.returncode, out) == (code, b"out\n")
    assert err.decode() == (
        "pn map: interrupted: 1 done, 3 to do (2 commands ended half-way); "
        "the same line with --resume goes on\n"
    )
    assert all(map(ended, sleeping))
    assert log_of(log) == [("1", True)]


def test_a_second_signal_does_not_wait(pn: Program, fifo: Callable[[str], Fifo]) -> None:
    pids, terms = fifo("pids"), fifo("terms")
    # Not a shell's trap: what it starts just after a signal has not got it, and the trap waits for its end.
    deaf_one = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); "
        "print(os.getpid(), file=open(sys.argv[1], 'w')); signal.sigwait([signal.SIGTERM]); "
        "print('term', file=open(sys.argv[2], 'w')); signal.sigwait([signal.SIGUSR1])"
    )
    words = [sys.executable, "-c", deaf_one, str(pids.path), str(terms.path), "{}"]
    program = pn.start("map", "-j1", "--grace", "30", *words, ":::", "1")
    deaf = int(pids.line())
    program.send_signal(signal.SIGINT)
    assert terms.line() == "term"
    program.send_signal(signal.SIGINT)
    out, err = program.communicate()
    assert (program.returncode, out) == (130, b"")
    assert err in (b"pn map: stopped at once\n", b"") or b"interrupted" in err
    assert ended(deaf)


def test_a_signal_while_nobody_reads(pn: Program, fifo: Callable[[str], Fifo]) -> None:
    up = fifo("up")
    program = pn.start("map", "-j1", f"head -c 1000000 /dev/zero; echo {{}} >{up.path}", "1", "2")
    assert [up.line(), up.line()] == ["1", "2"]
    program.send_signal(signal.SIGTERM)
    assert program.wait(20) == 143


@pytest.mark.parametrize(
    ("stream", "says"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
    ids=["full", "closed"],
)
def test_an_output_that_takes_nothing(pn: Program, stream: str, says: str) -> None:
    words = f"{pn_words()} map 'echo {{}}' 1 2 3 {stream}"
    done = subprocess.run(["sh", "-c", words], stderr=subprocess.PIPE, check=False, timeout=50, cwd=pn.home)
    assert (done.returncode, done.stderr.decode()) == (
        1,
        f"pn map: standard output: {says}: stopped, and all running commands ended\n",
    )


def test_ctrl_c_on_a_terminal(pn_tty: Starter, fifo: Callable[[str], Fifo]) -> None:
    pids = fifo("pids")
    line = f"[ {{}} = 1 ] && echo first && exit; echo $$ >{pids.path}; exec sleep 1000"
    terminal = pn_tty("map", "-j2", line, *"1234")
    running = [int(pids.line()), int(pids.line())]
    terminal.wait_for("1 of 4 done")
    terminal.send("ctrl-c")
    terminal.wait_for("interrupted: 1 done, 3 to do (2 commands ended half-way); with --log FILE")
    assert terminal.wait_exit() == 130
    assert all(map(ended, running))
    assert "Traceback" not in terminal.text


def test_a_display_while_it_runs(pn_tty: Starter, fifo: Callable[[str], Fifo]) -> None:
    gate = fifo("gate")
    terminal = pn_tty("map", "-j2", f"[ {{}} = 1 ] || read x <{gate.path}; echo out {{}}", *"123")
    terminal.wait_for("out 1")
    terminal.wait_for("1 of 3 done")
    terminal.wait_for(re.compile(r" s 2\s"))
    assert "\x1b[?25l" in terminal.transcript  # the cursor is hidden
    gate.let_go(2)
    terminal.wait_for("out 3")
    assert terminal.wait_exit() == 0
    shown = terminal.transcript
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert re.search(r"out 2\r\nout 3\r\n", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|━+.*?left", "", shown))


@pytest.mark.parametrize("words", [["-q"], ["--no-progress"]])
def test_no_display(pn_tty: Starter, fifo: Callable[[str], Fifo], words: list[str]) -> None:
    gate = fifo("gate")
    terminal = pn_tty("map", *words, f"echo up >&2; read x <{gate.path}; echo out {{}}", "1")
    assert not terminal.has_ended(0.6)
    gate.let_go()
    terminal.wait_for("out 1")
    assert terminal.wait_exit() == 0
    assert "\x1b" not in terminal.transcript


def test_a_quick_run_shows_its_outputs_alone(pn_tty: Starter) -> None:
    terminal = pn_tty("map", "echo", ":::", "a", "b")
    assert terminal.wait_exit() == 0
    if "0 of 2" not in terminal.text:  # a busy machine may take longer than a quarter of a second
        assert terminal.text == "a\r\nb\r\n"


def test_help_is_the_page_that_we_know(pn: Program) -> None:
    # UPDATE_GOLDEN=1 writes the page anew.
    ran = pn("map", "--help", env={"COLUMNS": "100"})
    assert (ran.code, ran.err) == (0, "")
    # As Python 3.13 has it, which finds more room in the line.
    text = re.sub(r"(-\w) [A-Z]+, (--[\w-]+ [A-Z]+)", r"\1, \2", ran.out)
    text = re.sub(r" {2,}", "  ", text).replace("FILE\n  read", "FILE  read")
    golden = GOLDEN / "map-help.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
    for option in COMMAND.options:
        assert all(flag in text for flag in option.flags)
