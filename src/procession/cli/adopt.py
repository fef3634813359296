"""``pn adopt``: watch a process that runs already as a job."""

from __future__ import annotations

import os

from procession.cli.job_talk import talk
from procession.cli.options import Command, Option, parse, positive
from procession.cli.say import say
from procession.linux.procfs import start_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

COMMAND = Command(
    verb="adopt",
    usage="pn adopt [OPTIONS] PID",
    summary="""\
Take a process that runs already under watch, as a job: its state in pn jobs, its end in pn wait and pn history, pn stop
and pn kill for its whole tree.""",
    words="PID",
    words_help="of a process of yours",
    options=(
        Option(("-n", "--name"), "name", "a name for the job (default: that of its program)", "NAME", str),
        Option(("--notify",), "notify", "run this shell command when it has ended", "COMMAND", str),
    ),
    epilog="""\
What cannot be had of a process that somebody else has started: its terminal (no pn fg, no pn send), what it has printed
so far (pn logs shows the file that its output goes to, if it goes to one), and on kernels before 6.15 how it ended.

examples:
  make &  pn adopt $!
  pn adopt --name import $(pgrep -f import.py)

exit codes: 0 it is watched    1 there is no such process, or it is not yours    2 usage""",
)


def main(argv: list[str]) -> int:
    """Run ``pn adopt``; returns the exit code."""
    values = parse(COMMAND, argv)
    try:
        (word,) = values["words"]
        pid = positive(word)
    except ValueError:
        say("adopt", "one pid is wanted: pn adopt PID")
        return 2
    try:
        start, owner = start_time(pid), os.stat(f"/proc/{pid}").st_uid
    except OSError:
        say("adopt", f"pid {pid}: there is no such process")
        return 1
    if owner != os.geteuid() and os.geteuid():
        say("adopt", f"pid {pid} is not yours: it belongs to user {owner}")
        return 1
    return talk("adopt", lambda client: _adopt(client, pid, start, values))


def _adopt(client: Client, pid: int, start: int, values: dict[str, Any]) -> int:
    from procession.cli.run import submitted

    fields = {"adopt": pid, "adopt_start": start, "name": values["name"] or _name_of(pid)}
    if values["notify"]:
        fields["notify"] = values["notify"]
    submitted(client, {"command": (), **fields}, {}, quiet=False)
    return 0


def _name_of(pid: int) -> str:
    """The short name of a process; of one that has gone meanwhile its number."""
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return os.fsdecode(file.read().rstrip(b"\n"))
    except OSError:
        return str(pid)
