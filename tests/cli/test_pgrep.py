"""``pn pgrep``, line by line against pgrep."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.processes import kill
from tests.harness.program import Program, clean_environment
from tests.harness.specimens import asleep, zombie

PGREP = shutil.which("pgrep")

# A small family with names that are hard to print; everything is looked for among its children only.
FAMILY = r"""
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
def member(name, words, work=signal.pause):
    pid = os.fork()
    if not pid:
        if words:
            os.execv("/bin/sleep", words)
        libc.prctl(15, name, 0, 0, 0)
        work()
        os._exit(0)
    return pid
def own_session():
    os.setsid()
    signal.pause()
members = [
    member(b"", ["alpha", "600"]),
    member(b"", ["alphabet soup", "601"]),
    member(b"odd\nna\x1bme", None),
    member(b"\xff\xfe", None),
    member("grün".encode(), None),
    member(b"session", None, own_session),
    member(b"(paren) x", None),
    member(b"", [" blank", "600.0"]),
    member(b"ALPHA", None),
]
os.kill(members[0], signal.SIGSTOP)
print(*members, flush=True)
signal.pause()
"""

LINES = [
    "-l .",
    "-a .",
    "sleep",
    "-x sleep",
    "-l alpha",
    "-li ALPHA",
    "-f alpha",
    "-fa ^alpha.*0$",
    "-fx alpha",
    "-fx alpha\\ 600",
    "-vl sleep",
    "-vf 600",
    "-c sleep",
    "-c nosuch",
    "nosuch",
    "-n sleep",
    "-o sleep",
    "-nl .",
    "-d, -l .",
    "-r T",
    "-r S,T -l",
    "-l odd.na.me",
    "-l (paren)",
    "-l ^\\(paren\\)",
    "-l gr[^x]+n",
    "-l .*pha$|session",
    "-xl session|sleep",
    "-O 100000 .",
    "-O 0 sleep",
    "-u root .",
    "-U nobody .",
    "-G 0 .",
    "-t nosuchtty .",
    "-g 0 .",
    "-s 0 .",
    "-g {parent} .",
    "-s {session} -l",
    "-F {file} sleep",
    "--ns {parent} sleep",
    "--ns {parent} --nslist net,pid sleep",
    "-A sleep",
]

USAGE = [
    "",
    "-u nosuchuser",
    "-P x",
    "[",
    "a b",
    "-n -o a",
    "-n -v a",
    "--nosuch",
    "-F /nonexistent",
    "-U nosuchuser x",
]


class Family:
    def __init__(self, tmp_path: Path) -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-c", FAMILY],
            stdout=subprocess.PIPE,
            env=clean_environment(tmp_path),
            process_group=0,
        )
        assert self.program.stdout is not None
        self.members = [int(word) for word in self.program.stdout.readline().split()]
        for pid in self.members:
            asleep(pid, "ST")
        self.file = tmp_path / "pid"
        self.file.write_text(f"{self.members[1]}\n")

    def words(self, line: str) -> list[str]:
        made = line.format(parent=self.program.pid, session=self.members[5], file=self.file)
        return [word.replace("\0", " ") for word in made.replace("\\ ", "\0").split()]

    def rows(self, line: str, out: bytes) -> list[bytes]:
        """What was printed; of the inverse, which is everybody on this machine, our members only."""
        rows = out.splitlines(keepends=True)
        return [row for row in rows if int(row.split()[0]) in self.members] if line.startswith("-v") else rows

    def close(self) -> None:
        for pid in self.members:
            kill(pid)
        self.program.kill()
        self.program.communicate()


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    made = Family(tmp_path_factory.mktemp("family"))
    yield made
    made.close()


@pytest.mark.skipif(PGREP is None, reason="pgrep is not installed")
@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="once is enough: it is about procps and the kernel"
)
def test_lines_are_those_of_pgrep(pn: Program, family: Family) -> None:
    assert PGREP is not None
    for line in LINES:
        words = ["-P", str(family.program.pid), *family.words(line)]
        theirs = subprocess.run(
            [PGREP, *words], capture_output=True, env=clean_environment(pn.home), check=False
        )
        ours = pn("pgrep", *words)
        rows = [family.rows(line, text) for text in (os.fsencode(ours.out), theirs.stdout)]
        assert (ours.code, rows[0]) == (theirs.returncode, rows[1]), line


@pytest.mark.skipif(PGREP is None, reason="pgrep is not installed")
def test_mistakes_are_mistakes_to_pgrep_too(pn: Program) -> None:
    assert PGREP is not None
    for line in USAGE:
        theirs = subprocess.run([PGREP, *line.split()], capture_output=True, check=False)
        ours = pn("pgrep", *line.split())
        assert (ours.code, ours.out) == (2, ""), line
        assert ours.err.startswith("pn pgrep: "), line
        assert theirs.returncode in (1, 2), line  # 1: a pid file that is not there


def test_zombies_and_a_pattern_that_no_name_fits(pn: Program) -> None:
    with zombie() as found:
        assert pn("pgrep", "-a", "-r", "Z", "-P", str(found["parent"])).out.endswith("<defunct>\n")
    ran = pn("pgrep", "averyverylongname")
    assert ran.code == 1
    assert "15 bytes" in ran.err


def test_threads_json_and_help(pn: Program, family: Family) -> None:
    rows = [
        json.loads(row)
        for row in pn("pgrep", "-P", str(family.program.pid), "--json", "sleep").out.splitlines()
    ]
    assert rows[0] == {
        "pid": family.members[0], "tid": family.members[0], "name": "sleep", "arguments": ["alpha", "600"], "state": "T",
    }  # fmt: skip
    ours = pn("pgrep", "-w", "-P", str(os.getppid()), "-c", ".")
    threads = len(os.listdir("/proc/self/task"))
    assert int(ours.out) >= threads
    assert "examples:" in pn("pgrep", "--help").out


def test_it_never_finds_itself(pn: Program) -> None:
    program = pn.start("pgrep", "-f", "pgrep -f uniqueword")
    out, _ = program.communicate()
    assert str(program.pid).encode() not in out.split()


def test_a_reader_that_has_gone_is_no_error(pn: Program) -> None:
    program = pn.start("pgrep", "-l", ".")
    assert program.stdout is not None
    program.stdout.close()
    assert program.stderr is not None
    assert program.stderr.read() == b""
    assert program.wait() == 0


def test_a_plain_search_loads_nothing_heavy() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "from procession.cli import main\n"
        "main(['pgrep', '-c', '-x', 'nobody-has-this'])\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert "procession.cli.pgrep" in loaded
    assert not loaded & {"argparse", "ctypes", "enum", "re", "signal", "subprocess", "threading", "typing"}
