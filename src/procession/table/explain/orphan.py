"""An orphan: its parent has ended before it, and somebody else has adopted it.

The kernel does not keep who the first parent was.  What tells: the session and the process group, which a child
inherits and nobody is given by adoption.
"""

from __future__ import annotations

from procession.table.explain.finding import FINE, NOTE, Finding
from procession.table.explain.words import long

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

STRAY, DAEMON, LEFT, NONE = "stray", "daemon", "left", ""


def explain(facts: Facts) -> Finding | None:
    """Says what is known of where it came from."""
    kind = kind_of(facts)
    parent = facts.parent
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


def kind_of(facts: Facts) -> str:
    """STRAY: its session has lost its leader.  DAEMON: it leads a session, and init is its parent.  LEFT: adopted by
    init, and its group or session tells that it came from elsewhere.  NONE: no sign of an adoption."""
    parent, me = facts.parent, facts.me
    if parent is None or facts.is_kernel_thread or me.state in "ZXx" or me.pid == 1 or me.session == 0:
        return NONE
    if me.session == me.pid:
        return DAEMON if parent.pid == 1 and not facts.tty else NONE
    if facts.leader is None and parent.session != me.session:
        return STRAY
    if parent.pid == 1 and (parent.session != me.session or not facts.group_leader_lives):
        return LEFT
    return NONE
