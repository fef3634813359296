"""What ``pn stop``, ``pn cont`` and ``pn nice`` share: pids or names, one or a whole tree."""

from __future__ import annotations

import os

from procession.cli.options import Option
from procession.cli.say import say
from procession.table.refusal import named
from procession.table.snapshot import snapshot
from procession.table.targets import Targets, by_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.table.sending import Sent
    from procession.table.snapshot import Snapshot

TREE = Option(("--tree",), "tree", "with all that descends from them")
EXIT_CODES = """
exit codes:
  0 done    1 some were not reached, or nobody was found    2 usage"""


def find(verb: str, words: Sequence[str], *, harmless: bool = False) -> tuple[Snapshot, Targets]:
    """Whom the words mean; says who is not there, or must be left alone."""
    table = snapshot()
    targets = by_words(words, table, os.getpid(), harmless=harmless)
    for each in targets.wrong:
        say(verb, each)
    return table, targets


def report(verb: str, sent: Sequence[Sent]) -> bool:
    """Say what there is to say; has anything failed?"""
    for each in sent:
        if each.failed or each.remark:
            say(verb, f"{named(each.record)} {each.failed or each.remark}")
    return any(each.failed for each in sent)


def nobody(verb: str) -> int:
    """No words at all."""
    say(verb, f"nobody is named: give a pid or a name: see pn {verb} --help")
    return 2
