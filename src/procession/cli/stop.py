"""``pn stop``: suspend processes, one by one or with all that descends from them."""

from __future__ import annotations

import os

from procession.cli.options import Command, parse
from procession.cli.several import EXIT_CODES, TREE, find, nobody, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.jobs.client import Client
    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

COMMAND = Command(
    verb="stop",
    usage="pn stop [--tree] PID|NAME|%%JOB...",
    summary="""\
Suspend processes (SIGSTOP, which cannot be refused) until pn cont.  Of a tree the parents first, so that none notices
that its children stand still, and again until nobody new is found.""",
    words="PID|NAME|%JOB",
    words_help="a pid, or the exact name of a program; -PGID after --; a job (%%3), with its whole tree",
    options=(TREE,),
    epilog=f"""\
examples:
  pn stop 4711
  pn stop --tree 4711     a build with its compilers
  pn stop %make           a job
{EXIT_CODES}""",
)
_SIGSTOP = 19


def main(argv: list[str]) -> int:
    """Run ``pn stop``; returns the exit code."""
    return signal_named(COMMAND, argv, _SIGSTOP)


def signal_named(command: Command, argv: list[str], number: int) -> int:
    """A verb that sends this signal to whom its words name; returns the exit code."""
    values = parse(command, argv)
    verb = command.verb
    if not values["words"]:
        return nobody(verb)
    jobs = [word for word in values["words"] if word.startswith("%")]
    words = [word for word in values["words"] if word not in jobs]
    failed = _jobs(verb, jobs) if jobs else 0
    if words or not jobs:
        table, targets = find(verb, words)
        refused = _signal(verb, targets.chosen, table, number, tree=values["tree"])
        failed = failed or refused or int(bool(targets.wrong or not targets.chosen))
    return failed


def _jobs(verb: str, words: Sequence[str]) -> int:
    """Jobs, each with its whole tree."""
    from procession.cli.job_talk import numbers, talk

    def act(client: Client) -> int:
        client.request(verb, jobs=numbers(client, words))
        return 0

    return talk(verb, act)


def _signal(verb: str, chosen: Sequence[ProcessRecord], table: Snapshot, number: int, *, tree: bool) -> int:
    """To each, or to all of their trees: of these SIGSTOP to parents first, anything else to children first."""
    from procession.table.refusal import not_permitted
    from procession.table.sending import Delivery, Sent

    if not tree:
        with Delivery(chosen) as delivery:
            delivery.send(number)
            return int(report(verb, delivery.sent))
    from procession.table.roundup import Roundup
    from procession.table.spared import spared

    with Roundup(chosen, table, spared(table, os.getpid())) as roundup:
        roundup.signal_all(number, parents_last=number != _SIGSTOP)
        refused = [Sent(held.record, not_permitted(held.record)) for held in roundup.refused.values()]
    return int(report(verb, refused))
