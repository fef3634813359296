"""``pn run``: start a job in the background and print its number."""

from __future__ import annotations

import os
import sys

from procession.cli.job_fields import Mistake, fields_of, with_numbers
from procession.cli.job_talk import talk
from procession.cli.options import leading, parse
from procession.cli.run_options import COMMAND
from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

# Of who runs pn: what its own tests and faults are told, and to which tree it belongs.
_OURS = ("PN_JOBS_FAULT", "PN_JOBS_FAULTS", "PN_TREE")


def main(argv: list[str]) -> int:
    """Run ``pn run``; returns the exit code."""
    ours = leading(COMMAND, argv)
    values = parse(COMMAND, [word for word in argv[:ours] if word != "--"])
    try:
        fields = _fields(values, argv[ours:])
    except Mistake as error:
        say("run", f"{error}: see pn run --help")
        return 2
    environment = {name: value for name, value in os.environ.items() if name not in _OURS}
    environment |= dict(values["env"] or ())
    return talk("run", lambda client: _run(client, values, fields, environment))


def _fields(values: dict[str, Any], command: list[str]) -> dict[str, Any]:
    _check(values, command)
    fields = {"command": tuple(command), "cwd": _here(), "umask": _umask(), **fields_of(values)}
    if values["shell"] is not None:
        fields |= {"command": (values["shell"],), "shell": True}
    if values["remove"]:
        fields["remove"] = True
    if values["pty"] or (not values["no_pty"] and sys.stdin is not None and sys.stdin.isatty()):
        from procession.cli.fg_terminal import window

        fields["pty"] = True
        fields["rows"], fields["columns"] = window()
    return fields


def _check(values: dict[str, Any], command: list[str]) -> None:
    if values["shell"] is not None and command:
        raise Mistake("-c has the whole line: leave out the words behind it, or put them into it")
    if values["shell"] is None and not command:
        raise Mistake("what is to be run is missing")
    if command and not command[0]:
        raise Mistake("the command is empty")
    for one, other in (("pty", "no_pty"), ("keep", "remove")):
        if values[one] and values[other]:
            raise Mistake(f"--{one} and --{'rm' if other == 'remove' else 'no-pty'}: give one of them")


def _here() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise Mistake(f"this folder: {error.strerror}: name one with --cwd") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _run(client: Client, values: dict[str, Any], fields: dict[str, Any], environment: dict[str, str]) -> int:
    quiet = values["quiet"] or values["fg"]
    number = submitted(client, with_numbers(client, fields), environment, quiet=quiet)
    if values["fg"]:
        from procession.cli.fg import follow

        return follow(client, number, "run")
    return 0


def submitted(client: Client, fields: dict[str, Any], environment: dict[str, str], *, quiet: bool) -> int:
    """Store a job and print its number: on a terminal with its command; returns the number."""
    job = client.submit(env=environment, **fields)
    if sys.stderr is not None and sys.stderr.isatty():
        for warning in client.warnings:
            say("run", warning)
    if not quiet:
        if sys.stdout.isatty():
            from procession.jobs.words_command import command_words

            print(f"[{job.id}] {command_words(job.spec)}")
        else:
            print(job.id)
    return job.id
