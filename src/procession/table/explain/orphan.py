"""An orphan: its parent has ended before it, and somebody else has adopted it.

How that is known: ``family.origin``.
"""

from __future__ import annotations

from procession.table.explain.finding import FINE, NOTE, Finding
from procession.table.explain.words import long
from procession.table.family import DAEMON, LEFT, NONE, STRAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """Says what is known of where it came from."""
    kind, parent = facts.origin, facts.parent
    if kind == NONE or parent is None:
        return None
    age = f"it is {long(facts.me.age)} old"
    if kind == DAEMON:
        words = f"a daemon: the leader of a session of its own without a terminal, and a child of {parent}"
        return Finding("daemon", FINE, words, (age,), (parent.pid,))
    if kind == STRAY:
        words = f"an orphan: left over from session {facts.me.session}, whose leader has ended; adopted by {parent}"
    else:
        words = f"an orphan: whoever started it has ended; adopted by {parent}"
    why = [age]
    if kind == LEFT and facts.leader is not None:
        why.append(f"it belongs to the session of {facts.leader}, which still lives")
    if kind == LEFT and not facts.group_leader_lives:
        why.append(f"the leader of its process group, pid {facts.pgrp}, has ended")
    if facts.tty:
        why.append(f"its terminal is still {facts.tty}")
    return Finding(
        "orphan",
        NOTE,
        words,
        tuple(why),
        (parent.pid,),
        (f"if nobody needs it any more: pn kill --tree {facts.me.pid}",),
    )
