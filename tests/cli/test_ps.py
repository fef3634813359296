"""``pn ps`` as a person and as a script meet it.  What it has in common with ps: tests/contract/test_ps_procps.py."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.program import Program
from tests.harness.specimens import Specimen, asleep, made, odd_name, stopped, zombie
from tests.harness.terminal import Starter

MARK = f"Some-Argument-{os.getpid()}"  # other runs of these tests may go on beside


@pytest.fixture
def plain() -> Iterator[Specimen]:
    with made("say(it=os.getpid())\nnap()", MARK) as found:
        asleep(found.pid)
        yield found


def test_help_and_version(pn: Program) -> None:
    ran = pn("ps", "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "examples:" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 110
    assert pn("ps", "--version").out.startswith("pn ")


def test_columns_are_listed(pn: Program) -> None:
    ran = pn("ps", "L")
    assert ran.code == 0
    listed = {line.split()[0]: line.split()[1] for line in ran.out.splitlines()}
    assert listed["pid"] == "PID"
    assert listed["role"] == "ROLE"


@pytest.mark.parametrize(
    "words",
    [
        "--bogus",
        "-zz",
        "-o nosuch",
        "--sort nosuch",
        "-p x",
        "-u nosuchuser",
        "ul",
        "-p",
        "--watch=x",
        "--json --watch",
    ],
)
def test_a_senseless_command_line_is_refused_as_ps_does_it(pn: Program, words: str) -> None:
    ran = pn("ps", *words.split())
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("pn ps: ")
    assert ran.err.count("\n") == 1


def test_nothing_selected(pn: Program) -> None:
    ran = pn("ps", "-p", "2147483647")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.split() == ["PID", "TTY", "TIME", "CMD"]


def test_words(pn: Program, plain: Specimen) -> None:
    """All must fit; capitals do not matter; the listing itself, whose arguments they are, is not found."""
    ran = pn("ps", MARK.swapcase(), "python")
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert lines[0].split() == ["USER", "PID", "%CPU", "%MEM", "RSS", "STAT", "START", "TIME", "COMMAND"]
    assert [int(line.split()[1]) for line in lines[1:]] == [plain.pid]
    assert pn("ps", MARK, "nosuchword").code == 1


def test_words_with_options_and_after_a_double_dash(pn: Program, plain: Specimen) -> None:
    ran = pn("ps", "-o", "pid=", MARK.lower())
    assert ran.out.split() == [str(plain.pid)]
    assert pn("ps", "-o", "pid=", "--", str(plain.pid)).out.split() == [str(plain.pid)]
    ran = pn("ps", "-ef", MARK.lower())
    assert [line.split()[1] for line in ran.out.splitlines()] == ["PID", str(plain.pid)]


def test_words_that_fit_nobody_are_told(pn: Program) -> None:
    ran = pn("ps", "no-such-program-anywhere")
    assert ran.code == 1
    assert ran.err == "pn ps: no process fits 'no-such-program-anywhere': see pn ps --help\n"


def test_a_port_finds_who_is_bound_to_it(pn: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert pn("ps", "-o", "pid=", f":{port}").out.split() == [str(os.getpid())]
        assert str(os.getpid()) in pn("ps", "-o", "pid=", "--", str(port)).out.split()


def test_json_is_exact(pn: Program, plain: Specimen) -> None:
    ran = pn("ps", "--json", "-p", str(plain.pid))
    found = json.loads(ran.out)
    assert ran.code == 0
    assert found["identity"]["pid"] == found["pid"] == plain.pid
    assert found["args"][-1] == MARK
    assert found["rss"] % 1024 == 0
    assert found["rss"] > 1 << 20
    assert found["state"] == "S"
    assert found["lstart"][10] == "T"
    assert pn("ps", "--json", "-p", "2147483647").code == 1


def test_json_of_chosen_columns_and_threads(pn: Program, plain: Specimen) -> None:
    ran = pn("ps", "--json", "-L", "-o", "lwp,vsz", "-q", str(plain.pid))
    found = json.loads(ran.out)
    assert set(found) == {"identity", "lwp", "vsz"}
    assert found["identity"]["tid"] == found["lwp"] == plain.pid


def test_odd_names_do_no_harm(pn: Program) -> None:
    name = b")\n\x1b[2J\xff\x07"
    with odd_name(name) as odd:
        ran = pn("ps", "-o", "comm", "-q", str(odd.pid))
        assert ran.out == "COMMAND\n)??[2J?.\n"
        found = json.loads(pn("ps", "--json", "-o", "comm", "-q", str(odd.pid)).out)
        assert found["comm"] == os.fsdecode(name)


def test_human_sizes(pn: Program, plain: Specimen) -> None:
    ran = pn("ps", "-h", "-o", "rss=,vsz=", "-q", str(plain.pid))
    assert all(cell.endswith(("kB", "MB", "GB")) for cell in ran.out.split())
    assert len(ran.out.split()) == 2


def test_an_output_that_is_full_or_closed() -> None:
    words = [sys.executable, "-m", "procession", "ps", "-e"]
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "pn ps: No space left on device: see whether /proc and the output can be used\n"
    ran = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *words], stderr=subprocess.PIPE, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("pn ps: standard output is closed")


def test_a_pipe_that_closes_early_is_no_error(pn: Program) -> None:
    program = pn.start("ps", "-eLo", "pid,args:200,args:200,args:200")
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    assert program.wait(20) == 0
    assert program.stderr.read() == b""


def test_lines_are_as_wide_as_the_terminal(pn_tty: Starter, plain: Specimen) -> None:
    with made("say(it=os.getpid())\nnap()", "long" * 100) as long:
        asleep(long.pid)
        terminal = pn_tty("ps", "-f", "-p", str(long.pid), columns=70)
        assert terminal.wait_exit() == 0
        lines = terminal.text.splitlines()
        assert len(lines) == 2
        assert len(lines[1]) == 70


def test_colour_is_for_terminals_and_for_states(pn: Program, pn_tty: Starter) -> None:
    with stopped() as still, zombie() as dead:
        pids = f"{still.pid},{dead.pid}"
        terminal = pn_tty("ps", "-o", "pid,state", "-p", pids)
        assert terminal.wait_exit() == 0
        lines = terminal.transcript.splitlines()
        assert not lines[0].startswith("\x1b")
        assert {line[:5] for line in lines[1:]} == {"\x1b[36m", "\x1b[31m"}
        assert all(line.endswith("\x1b[0m") for line in lines[1:])
        plain = pn_tty("ps", "-o", "pid,state", "-p", pids, env={"NO_COLOR": "1"})
        assert plain.wait_exit() == 0
        assert "\x1b" not in plain.transcript
        assert "\x1b" not in pn("ps", "-o", "pid,state", "-p", pids).out


def test_watch_draws_again_and_leaves_the_screen_as_it_was(pn_tty: Starter, plain: Specimen) -> None:
    terminal = pn_tty("ps", "--watch=0.1", "-o", "pid,comm", "-p", str(plain.pid), rows=10)
    for _ in range(3):
        terminal.wait_for("every 0.1 s")
        terminal.wait_for(str(plain.pid))
    terminal.send("ctrl-c")
    assert terminal.wait_exit() == 130
    assert terminal.transcript.startswith("\x1b[?1049h\x1b[?25l")
    assert terminal.transcript.endswith("\x1b[?25h\x1b[?1049l")


def test_watch_tells_how_much_the_screen_has_no_room_for(pn_tty: Starter) -> None:
    terminal = pn_tty("ps", "--watch=60", "-eLo", "pid", rows=5, columns=60)
    terminal.wait_for("more below")
    terminal.signal(signal.SIGINT)
    assert terminal.wait_exit() == 130


def test_watch_into_a_pipe_is_one_listing_after_the_other(pn: Program, plain: Specimen) -> None:
    program = pn.start("ps", "--watch=0.05", "-o", "pid=", "-p", str(plain.pid))
    assert program.stdout is not None
    expected = f"{plain.pid:>5}\n\n".encode()
    found = b""
    while found.count(b"\n\n") < 3:
        found += os.read(program.stdout.fileno(), 4096)
    assert found.replace(b" ", b"").startswith(expected.replace(b" ", b"") * 3)
    program.terminate()
    assert program.wait(20) == 143


def test_roles_of_our_own_processes(pn: Program, pn_tty: Starter) -> None:
    """The listing lists itself."""
    ran = pn("ps", "-eo", "pid,role")
    assert "pn ps" in {line.split(maxsplit=1)[1] for line in ran.out.splitlines()}


def test_workers_of_a_pool_are_named(pn: Program, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    held = os.open(gate, os.O_RDWR | os.O_NONBLOCK)  # readers wait until it is closed
    code = f"""
import sys
from procession import Pool
def wait(number):
    with open({str(gate)!r}) as file:
        return file.read()
if __name__ == "__main__":
    with Pool(2, name="resize") as pool:
        results = [pool.apply_async(wait, (number,)) for number in range(2)]
        sys.stdout.write("begun\\n"); sys.stdout.flush()
        [result.get() for result in results]
"""
    program = tmp_path / "pools.py"
    program.write_text(code)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    owner = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, env=environment)
    assert owner.stdout is not None
    try:
        assert owner.stdout.readline() == b"begun\n"
        roles: set[str] = set()
        for _ in range(200):  # the pool publishes itself a quarter of a second later, and then every second
            ran = pn("ps", "-eo", "role", env={"XDG_RUNTIME_DIR": str(tmp_path)})
            roles = set(ran.out.splitlines())
            if any(role.startswith("pool worker 2 of") and "wait" in role for role in roles):
                break
        assert any(role.startswith('pool "resize": 2 running') for role in roles), roles
        assert any(role.startswith('pool worker 1 of "resize": ') for role in roles), roles
        os.close(held)
        held = -1
        assert owner.wait(20) == 0
    finally:
        if held >= 0:
            os.close(held)
        owner.kill()
        owner.wait()
        owner.stdout.close()


def test_a_plain_listing_loads_nothing_heavy() -> None:
    code = """
import sys
before = set(sys.modules)
from procession.cli import main
main(["ps", "-elf"])
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}), file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    loaded = set(ran.stderr.split())
    assert "procession" in loaded
    heavy = {
        "argparse",
        "re",
        "json",
        "enum",
        "dataclasses",
        "typing",
        "inspect",
        "subprocess",
        "rich",
        "textual",
    }
    assert not loaded & heavy
