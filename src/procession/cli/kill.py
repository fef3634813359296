"""``pn kill``: parse, call, print, exit code."""

from __future__ import annotations

import os
import sys

from procession.cli.criteria import Wrong, criteria_of, too_long
from procession.cli.kill_options import COMMAND
from procession.cli.kill_words import Words, read_words
from procession.cli.options import parse
from procession.records import replace
from procession.table import refusal
from procession.table.sending import SIGKILL, SIGTERM, Delivery, Sent, still_there, until_of, zombies
from procession.table.signals import full_name, list_lines, table_lines, translate
from procession.table.snapshot import snapshot
from procession.table.targets import by_criteria, by_words, is_pid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot
    from procession.table.targets import Targets

_ASK_ABOVE = 3
_TREE_PATIENCE = 10.0  # seconds


def main(argv: list[str]) -> int:
    """Run ``pn kill``; returns the exit code."""
    try:
        words = read_words(argv, COMMAND)
        if words.listing is not None:
            return _list(words.listing)
        options = ["--wait-for" + word[6:] if word.startswith("--wait=") else word for word in words.options]
        return _run(words, parse(COMMAND, options))
    except Wrong as error:
        _say(f"{error}: see pn kill --help")
        return 2


def _list(words: Sequence[str]) -> int:
    kind, *wanted = words
    if kind == "-L" or not wanted:
        print("\n".join(table_lines() if kind == "-L" else list_lines()))
        return 0
    code = 0
    for word in wanted:
        line = translate(word)
        if line is None:
            _say(f"there is no signal {word!r}: pn kill -l names all")
            code = 1
        else:
            print(line)
    return code


def _run(words: Words, values: dict[str, Any]) -> int:
    jobs = [word for word in words.targets if word.startswith("%")]
    code = 0
    if jobs and not (values["full"] or values["exact"]):
        from procession.cli.kill_jobs import kill_jobs

        code = kill_jobs(jobs, words.signal, values)
        words = replace(words, targets=tuple(word for word in words.targets if word not in jobs))
        if not words.targets:
            return code
    return _processes(words, values) or code


def _processes(words: Words, values: dict[str, Any]) -> int:
    number = words.signal if words.signal is not None else SIGTERM
    table, targets = _find(words, values, harmless=number == 0)
    for each in targets.wrong:
        _say(each)
    if not targets.chosen:
        return 1
    if values["dry"]:
        from procession.cli.kill_show import print_table

        print_table(_all_of(targets.chosen, table) if values["tree"] else targets.chosen, table)
        return 1 if targets.wrong else 0
    if not values["yes"] and targets.by_name > _ASK_ABOVE and not _confirmed(targets.chosen, table, number):
        _say("nothing was sent")
        return 1
    if values["tree"]:
        failed = _tree(targets.chosen, table, words.signal, values)
    else:
        failed = _plain(targets.chosen, table, number, values)
    return 1 if failed or targets.wrong else 0


def _find(words: Words, values: dict[str, Any], *, harmless: bool) -> tuple[Snapshot, Targets]:
    by_pattern = values["full"] or values["exact"]
    criteria = criteria_of(values, words.targets if by_pattern else ())
    table = snapshot(criteria.needs)
    if by_pattern or (not words.targets and not criteria.is_empty):
        if criteria.is_empty:
            raise Wrong("no pattern is given")
        if warning := too_long(criteria):
            _say(warning)
        try:
            return table, by_criteria(criteria, table, os.getpid())
        except ValueError as error:
            raise Wrong(f"{error}: put a \\ before what is meant as it stands") from None
    if not words.targets:
        raise Wrong("nobody is named: give a pid, a name, a job (%3), or -f PATTERN")
    if criteria.is_empty:
        return table, by_words(words.targets, table, os.getpid(), harmless=harmless)
    if any(map(is_pid, words.targets)):
        raise Wrong("options such as --user choose among names, not among pids: leave out one or the other")
    named = replace(criteria, patterns=words.targets, literal=True)
    return table, by_criteria(named, table, os.getpid())


def _plain(chosen: Sequence[ProcessRecord], table: Snapshot, number: int, values: dict[str, Any]) -> bool:
    """Signal each; has anything failed?"""
    with Delivery(chosen) as delivery:
        delivery.send(number, values["queue"])
        failed = _report(delivery.sent, number, echo=values["echo"])
        if values["grace"] is not None:
            left = delivery.insist(values["grace"])
            return _report(still_there(left, SIGKILL, table.source), SIGKILL) or failed
        if values["wait"] or values["wait_for"] is not None:
            left = delivery.wait(values["wait_for"])
            return _report(still_there(left, number, table.source), number) or failed
    return failed


def _tree(
    chosen: Sequence[ProcessRecord], table: Snapshot, number: int | None, values: dict[str, Any]
) -> bool:
    """End the trees, or send another signal to all of them; has anything failed?"""
    from procession.table.held import wait_for_all
    from procession.table.roundup import Roundup
    from procession.table.spared import spared

    with Roundup(chosen, table, spared(table, os.getpid())) as roundup:
        if number not in (None, SIGKILL) and values["grace"] is None:
            assert number is not None
            roundup.signal_all(number)
            waits = values["wait"] or values["wait_for"] is not None
            left = wait_for_all(roundup.living(), values["wait_for"]) if waits else []
        else:
            if values["grace"] is not None:
                roundup.ask(number or SIGTERM, until_of(values["grace"]))
            left = [held for held in roundup.end(_TREE_PATIENCE) if held.record.pid not in roundup.refused]
            number = SIGKILL
        refused = [Sent(held.record, refusal.not_permitted(held.record)) for held in roundup.refused.values()]
        said = [*zombies(chosen), *refused, *still_there(left, number, table.source)]
        failed = _report(said, number)
        if values["echo"] or sys.stderr.isatty():
            done = len(roundup.members) - len(refused) - len(left)
            print(f"{full_name(number)} to {done} process{'es' if done != 1 else ''}", file=sys.stderr)
    return failed


def _all_of(chosen: Sequence[ProcessRecord], table: Snapshot) -> list[ProcessRecord]:
    from procession.table.roundup import Roundup
    from procession.table.spared import spared

    with Roundup(chosen, table, spared(table, os.getpid())) as roundup:
        roundup.look()
        return [held.record for held in roundup.members.values()]


def _report(sent: Sequence[Sent], number: int, *, echo: bool = False) -> bool:
    """Say what there is to say; has anything failed?"""
    for each in sent:
        if each.failed or each.remark:
            _say(f"{refusal.named(each.record)} {each.failed or each.remark}")
        elif echo:
            print(f"{full_name(number)} to {refusal.named(each.record)}")
    return any(each.failed for each in sent)


def _confirmed(chosen: Sequence[ProcessRecord], table: Snapshot, number: int) -> bool:
    """Ask whoever sits at a terminal; in a script nobody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    from procession.cli.kill_show import print_table

    print_table(chosen, table)
    print(f"{full_name(number)} to these {len(chosen)}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say(words: str) -> None:
    print(f"pn kill: {words}", file=sys.stderr)
