"""``pn edit``: change a job that has not begun."""

from __future__ import annotations

from procession.cli.job_fields import Mistake, fields_of, with_numbers
from procession.cli.job_talk import JOB_CODES, JOBS_HELP, numbers, talk
from procession.cli.options import Command, Option, leading, parse
from procession.cli.run_options import SHARED
from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

COMMAND = Command(
    verb="edit",
    usage="pn edit [OPTIONS] JOB [COMMAND [ARGUMENT...]]",
    summary="""\
Change a job that waits; with a COMMAND also what it runs.  Of a job that has begun what concerns its next run and its
end can be changed still; what cannot is said.""",
    words="JOB [COMMAND]",
    words_help=JOBS_HELP,
    options=(
        *SHARED,
        Option(("-c", "--shell"), "shell", "another command: this line, by /bin/sh", "LINE", str),
        Option(("--now",), "now", "not at a certain time any more, but as soon as it can be"),
    ),
    epilog=f"""\
examples:
  pn edit --at 23:00 3
  pn edit --after 5,6 --priority 10 %deploy
  pn edit --after '' 3                it waits for nobody
  pn edit 3 make -j8 all              another command
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn edit``; returns the exit code."""
    ours = leading(COMMAND, argv)
    values = parse(COMMAND, [word for word in argv[:ours] if word != "--"])
    job, *command = argv[ours:] or [""]
    try:
        command = _command(command)
        changes = _changes(values, command)
        if not job:
            raise Mistake("no job is named: pn edit [OPTIONS] JOB")
        if not changes:
            raise Mistake("nothing to change is given")
    except Mistake as error:
        say("edit", f"{error}: see pn edit --help")
        return 2
    return talk("edit", lambda client: _edit(client, job, changes))


def _command(words: list[str]) -> list[str]:
    """What stands behind the job.  Options there would be taken for the new command, without a word."""
    if words and words[0] == "--":
        return words[1:]
    if words and words[0].startswith("-"):
        raise Mistake(f"{words[0]} stands behind the job: options stand before it, and a command behind --")
    return words


def _changes(values: dict[str, Any], command: list[str]) -> dict[str, Any]:
    changes = fields_of(values)
    if values["now"]:
        if "at" in changes:
            raise Mistake("--now and a time: give one of them")
        changes["at"] = None
    if command and values["shell"] is not None:
        raise Mistake("-c and a COMMAND: give one of them")
    if command:
        changes |= {"command": tuple(command), "shell": False}
    if values["shell"] is not None:
        changes |= {"command": (values["shell"],), "shell": True}
    return changes


def _edit(client: Client, word: str, changes: dict[str, Any]) -> int:
    (number,) = numbers(client, [word])
    found = with_numbers(client, changes)
    client.request("edit", job=number, changes={name: _plain(value) for name, value in found.items()})
    return 0


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
