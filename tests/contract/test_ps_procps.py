"""``pn ps`` beside the ps of procps, cell by cell, on a table of specimens in a pid namespace.

Where they differ, ps is asked once more: a line of pn must be that of either ps, so that what moves (ages, shares of
a CPU) may move on.  The lines of the listing processes and of the room itself are left out: they differ by nature.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procession.table.columns import names

ATTEMPTS = 6  # a second may tick, or a page be shared by one more, in each of the three

pytestmark = pytest.mark.root


class Room:
    """See ps_room.py."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def ask(self, who: str, args: list[str], env: dict[str, str]) -> dict[str, Any]:
        """The output of "ps" or "pn"."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps({"who": who, "args": args, "env": env}) + "\n")
        self._program.stdin.flush()
        answer: dict[str, Any] = json.loads(self._program.stdout.readline())
        return answer

    def compare(self, *args: str, **env: str) -> None:
        """Fail where ps and pn differ."""
        why = ""
        ps = self.ask("ps", list(args), env)
        for _ in range(ATTEMPTS):
            pn = self.ask("pn", list(args), env)
            if not difference(ps, pn, ps):
                return
            again = self.ask("ps", list(args), env)
            why = difference(ps, pn, again)
            if not why:
                return
            ps = again
        pytest.fail(f"{args} {env}:\n{why}")


def difference(ps: dict[str, Any], pn: dict[str, Any], again: dict[str, Any]) -> str:
    if pn["code"] != ps["code"]:
        return f"exit code {ps['code']} of ps, {pn['code']} of pn; {ps['err'][:200]}"
    if ps["code"] == 1 and not ps["out"]:
        return ""  # both refuse; the words are our own
    before, ours, after = kept(ps), kept(pn), kept(again)
    if not len(before) == len(ours) == len(after):
        return f"{len(before)} lines of ps, {len(ours)} of pn\n{before}\n{ours}"
    for one, our, other in zip(before, ours, after, strict=True):
        if our not in (one, other):
            return f"ps {one!r}\npn {our!r}"
    return ""


def kept(run: dict[str, Any]) -> list[str]:
    """Without the room and the listing process itself."""
    own = re.compile(rf"\bproom\b|\b{run['pid']}\b|\bps -")
    return [line for line in run["out"].split("\n") if not own.search(line)]


def needs_the_ps_that_we_know() -> None:
    """Later ones have more columns, and show <defunct> behind short names, too (4.0.5)."""
    version = subprocess.run(["ps", "--version"], capture_output=True, text=True, check=False).stdout
    if not re.search(r"procps-ng 4\.0\.[0-4]\b", version):
        pytest.skip(f"needs ps of procps-ng 4.0.0 to 4.0.4, has {version.strip()!r}")


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    for needed in ("ps", "unshare", "setpriv", "chrt", "setsid", "nice", "bash"):
        if shutil.which(needed) is None:
            pytest.skip(f"needs {needed}")
    needs_the_ps_that_we_know()
    root = Path(__file__).parents[2]
    program = subprocess.Popen(
        [
            "unshare",
            "-pf",
            "--mount-proc",
            sys.executable,
            str(Path(__file__).with_name("ps_room.py")),
            "proom",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(root / "src"), "COLUMNS": "", "LINES": ""},
    )
    assert program.stdout is not None
    assert program.stdin is not None
    first = program.stdout.readline()
    assert first, "the room was not opened"
    assert json.loads(first)["specimens"] >= 20
    yield Room(program)
    program.stdin.close()  # the end of its input is the end of pid 1, and so of all in the room
    program.wait(20)
    program.stdout.close()


FORMATS = """
-e|-ef|-eF|-el|-elf|-ely|-elyf|-eFly|-eFP|-ej|-ejf|-elfj|-eP|-eM|-efM|-eZ|-ec|-efc|-elc|-elfc|-eT|-efT|-eL|-eLf|-eLl
-eLfj|-efcL|-m -e|-em -o pid,lwp,comm,s|aux|ax|a|x|axj|axl|axs|axu|axv|axX|axm|axH|axuH|axZ|axjf|auxf|axf|axlf|axlL
auxww|auxe|axe|axc|auxc|auxn|axln|axS|auxS|axfc|-efH|-ejH|-eH|-ef --forest|-e --forest -o args,pid|axf -o pid,fname
-e --context|axul|-efu root|axu -M|axl -c|axj -j|axl -y|axuL|axlT|axujl|-e -O ppid|axO ppid|axO -p|axO-pC|axOpid,args
-eo pid,comm|-eo pid=|-eo pid= -o comm=|-eo pid=X,comm=Y|-eo user:20,comm=Cmd,pid|-eo args,pid|-eo args:10,pid
-eo user:2,pid,args|-eo wchan:3,args|-eo comm:5,pid,args|-eo pid:12,comm|-eo uname=LONGHEADING,args|-eo foo|-eo ,pid
-eo pid,|-eo pid,,comm|-eo pid:0|-eo pid:x|-eo user=|-eo DefBSD|-eo DefSysV|-eo DefBSD:3|-eo %p%c|-eo %U%p%a|-eo
-eo blocked,caught,ignored,pending,tsig,args|-eo sig:30,args|-eo lstart,args|-eo cgroup,args|-eo tty4,tty8,tt,args
-e -f -O pid|ul|-lf u|-e --no-headers|axh|-e --headers --rows 5|-e --header --no-header|-efww|-H -L|-y|-e -Lm -o pid
"""
SELECTIONS = """
-a|-d|-ad|-N|-N -p 1|-e -N|--deselect -C sleep|-p 1|-p 1,2 3|1 2|-1|+1|-p 99999|-p x|-p 0|-p 1,,2|-p|--pid 1|--pid=1
--pid:1|-u root|-u 1|-u daemon,root|-u nosuchuser|-N -u nosuchuser|-U 2|-U bin|-u sys|U 3|--user 3|--User 2|-G 4|-g 1
-g www-data|-g 33|--group 5|--Group 4|-G nosuch|--ppid 1 -f|-C sleep|-C sleep,sh -o pid,cmd|-C nosuch|-s 1|--sid 1|-t -
-t ?|-t nosuchtty|t|T|r|axr|-er|-q 1|q 1|-q 99999|-q 1 -e|-q 1 -p 1|-q 1 --sort pid|a -a|-ax|-aux|-auxx|x -f|g|ag|-A
-zz|--bogus|--sort|--cols|--cols x|-V x|axp1|p1|-p1|-p 1 -p 2|-efp 1|-p 1 -C sh
"""
ORDERS = """
axk -pid|axk comm,-pid|ax --sort=-pid|-e --sort ppid,-pid|-e --sort -comm,pid|-e --sort cmd,pid|-ef --sort user,-pid
-ef --sort -rss,pid|-ef --sort vsz,pid|-ef --sort nice,pid|-ef --sort -time,pid|-ef --sort tty,pid|-ef --sort +uid,pid
-e --sort foo|-e --sort pid --sort ppid|-e --sort -start_time,pid|axOp|axO-u+p|axH --sort -tid -o pid,tid,args
-ef --sort stat,pid|-ef --sort nlwp,pid|-ef --sort size,-pid|-ef --sort pri,pid|-ef --sort c,pid|-ef --sort sid,pid
"""
WIDTHS = """
aux --cols 40|aux --cols 60|aux --cols 80|auxf --cols 40|auxw --cols 50|auxww --cols 50|-ef --cols 20|-ef --cols 70
-eo pid,comm --cols 12|-eo sig,pid,args --cols 60|-eo blocked,caught,ignored,sig,tsig,pid,args --cols 80|axs --cols 80
-eo pid,user --cols 9|-el --width=100|-e --columns 30|-eo pid,args --cols 25|-eo args,comm --cols 35
"""


def split(table: str) -> list[str]:
    return [each for each in table.strip().replace("\n", "|").split("|") if each]


@pytest.mark.parametrize("line", split(FORMATS))
def test_formats(room: Room, line: str) -> None:
    room.compare(*line.split())


@pytest.mark.parametrize("line", split(SELECTIONS))
def test_selections(room: Room, line: str) -> None:
    room.compare(*line.split())


@pytest.mark.parametrize("line", split(ORDERS))
def test_orders(room: Room, line: str) -> None:
    room.compare(*line.split())


@pytest.mark.parametrize("line", split(WIDTHS))
def test_widths(room: Room, line: str) -> None:
    room.compare(*line.split())


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (["aux"], {"COLUMNS": "50"}),
        (["-ef"], {"COLUMNS": "50"}),
        (["-e"], {"PS_FORMAT": "pid,comm,args"}),
        (["-e"], {"PS_FORMAT": "nosuch"}),
        (["-ef"], {"LC_ALL": "C"}),
        (["aux"], {"LC_ALL": "C"}),
        (["-ef"], {"TZ": "Asia/Tokyo"}),
        (["-eo", "lstart,pid,args"], {"TZ": "Pacific/Chatham"}),
        (["-e", "--headers"], {"LINES": "4"}),
        (["-p", "1 2"], {}),
        (["-eo", "pid comm"], {}),
        (["-eo", " %p %c"], {}),
        (["-eo", "%p  %U"], {}),
    ],
)
def test_environment_and_blanks(room: Room, args: list[str], env: dict[str, str]) -> None:
    room.compare(*args, **env)


OURS = {"role", "what", "cstime"}
# What ps itself gets wrong: 4.0.2 takes fname for as wide as its column, so nothing behind it is in line.
FAULTS_OF_PS = {"fname"}
# These differ from one run to the next, so each is tried alone.
MOVING = {"etime", "etimes", "pcpu", "%cpu", "c", "util", "cp", "cuu", "cuc", "numa"}

SHARED = {"pss", "uss"}  # parts of pages that all running programs have together: see below

STILL = [name for name in names() if name not in OURS | FAULTS_OF_PS | MOVING | SHARED]
BATCHES = [STILL[at : at + 7] for at in range(0, len(STILL), 7)]


@pytest.mark.parametrize("batch", [*BATCHES, *([name] for name in sorted(MOVING))], ids=",".join)
def test_columns(room: Room, batch: list[str]) -> None:
    room.compare("-eo", ",".join(["pid", *(f"{name}:40" for name in batch), "args"]))
    room.compare("-eo", ",".join([*batch, "pid", "args"]))


@pytest.mark.parametrize("name", sorted(SHARED))
def test_shares_of_memory_within_the_share_of_one_program_more(room: Room, name: str) -> None:
    cells = []
    for who in ("ps", "pn"):
        lines = room.ask(who, ["-eo", f"pid,{name},args"], {})["out"].splitlines()[1:]
        cells.append({int(line.split()[0]): int(line.split()[1]) for line in lines})
    both = cells[0].keys() & cells[1].keys() - {1}  # the room itself goes on working
    assert len(both) >= 20
    for pid in both:
        assert cells[1][pid] == pytest.approx(cells[0][pid], rel=0.1, abs=16), pid


def test_columns_in_the_lines_of_threads(room: Room) -> None:
    room.compare("-eLo", "pid,lwp,comm,s,stat,wchan,ni,cls,sig,tsig,blocked,time,nlwp,user,args")
    room.compare("-emo", "pid,lwp,s,stat,rss,time")


def test_that_every_column_of_ps_is_here() -> None:
    needs_the_ps_that_we_know()
    listed = subprocess.run(["ps", "L"], capture_output=True, text=True, check=False).stdout.splitlines()
    theirs = {
        line.split()[0] for line in listed if not line.startswith("_")
    }  # _left and so on test ps itself
    assert theirs, "ps lists no columns"
    assert theirs - set(names()) == set()


FLAGS = [
    "-e",
    "-f",
    "-F",
    "-l",
    "-y",
    "-j",
    "-c",
    "-P",
    "-M",
    "-H",
    "--forest",
    "-L",
    "-T",
    "-w",
    "ax",
    "a",
    "x",
    "u",
    "l",
    "j",
    "s",
    "v",
    "f",
    "c",
    "e",
    "n",
    "S",
    "r",
    "h",
    "--no-headers",
]


@pytest.mark.slow
@pytest.mark.hang_limit(300)
@pytest.mark.parametrize("seed", range(4))
def test_options_at_random(room: Room, seed: int) -> None:
    """Two to five of them, as separate words."""
    choice = random.Random(seed)
    for _ in range(150):
        words = choice.sample(FLAGS, choice.randint(2, 5))
        if not {"-L", "-T"} & set(words):  # there ps itself fails, see docs/reference/ps.md
            room.compare(*words)


@pytest.mark.slow
@pytest.mark.hang_limit(300)
@pytest.mark.parametrize("seed", range(4))
def test_columns_at_random(room: Room, seed: int) -> None:
    """Some of them, some in another width, sorted by some, on screens of any width.

    The room and the listing processes, of which too little may be left to know them by, are not selected.
    """
    choice = random.Random(seed)
    for _ in range(150):
        names = choice.sample(STILL, choice.randint(1, 6))
        format_ = ",".join(name + choice.choice(["", "", ":3", ":11", "=Head"]) for name in names)
        words = ["-C", "sleep,sh,true", "-o", format_]
        if choice.random() < 0.5:
            words += [
                "--sort",
                choice.choice(["", "-"]) + choice.choice(["pid", "comm,-pid", "rss,pid", "tty,-ppid,pid"]),
            ]
        if choice.random() < 0.5:
            words += ["--cols", str(choice.randint(9, 90))]
        room.compare(*words)
