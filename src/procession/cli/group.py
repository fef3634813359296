"""``pn group``: groups of jobs, and how many of each may run at a time."""

from __future__ import annotations

from procession.cli.job_talk import JOB_CODES, talk
from procession.cli.options import Command, Option, parse
from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client


def _slots(word: str) -> int:
    if word in ("unlimited", "all"):
        return 0
    if not 0 <= int(word) < 1 << 31:
        raise ValueError(word)
    return int(word)


_slots.__name__ = "number of slots"  # argparse puts the function's name into its message

COMMAND = Command(
    verb="group",
    usage="pn group [NAME [OPTIONS]]",
    summary="""\
List the groups of jobs, or change one; a group that is not there yet is made.  Every job is in a group (pn run -g
NAME), and of a group as many run at a time as it has slots.""",
    words="NAME",
    words_help="of a group; what is in no other is in 'default'",
    options=(
        Option(("-s", "--slots"), "slots", "so many run at a time; 0: as many as there are", "N", _slots),
        Option(("--pause",), "pause", "begin no more of them; what runs goes on"),
        Option(("--resume",), "resume", "begin them again"),
        Option(("--remove",), "remove", "the group goes; it must be empty"),
        Option(("--json",), "json", "one JSON object a line for each group"),
    ),
    epilog=f"""\
examples:
  pn group                         all of them
  pn group downloads --slots 2
  pn group default --slots 4       jobs of no special group
  pn group nightly --pause
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn group``; returns the exit code."""
    values = parse(COMMAND, argv)
    asked = values["slots"] is not None or any(values[name] for name in ("pause", "resume", "remove"))
    if len(values["words"]) > 1:
        say("group", "one group at a time")
        return 2
    if values["pause"] and values["resume"]:
        say("group", "--pause and --resume: give one of them")
        return 2
    if asked and not values["words"]:
        say("group", "which group: pn group NAME --slots N")
        return 2
    return talk("group", lambda client: _group(client, values))


def _group(client: Client, values: dict[str, Any]) -> int:
    fields: dict[str, Any] = {}
    if values["words"]:
        fields["name"] = values["words"][0]
    if values["slots"] is not None:
        fields["slots"] = values["slots"]
    if values["pause"] or values["resume"]:
        fields["paused"] = values["pause"]
    if values["remove"]:
        fields["remove"] = True
    groups = client.request("group", **fields)["groups"]
    if not values["remove"] and values["words"]:
        groups = [group for group in groups if group["name"] == values["words"][0]]
    _print(groups, as_json=values["json"])
    return 0


def _print(groups: list[dict[str, Any]], *, as_json: bool) -> None:
    from procession.copying.words import shown

    for group in groups:
        if as_json:
            import json

            print(json.dumps(group))
        else:
            slots = f"{group['slots']} slots" if group["slots"] != 1 else "1 slot"
            paused = ", paused" if group["paused"] else ""
            print(f"{shown(group['name'])}: {slots if group['slots'] else 'no limit'}{paused}")
