"""Stopped by a signal (SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU): it does nothing until SIGCONT."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts


def explain(facts: Facts) -> Finding | None:
    """By whom is not written down; what can be known of it."""
    if facts.me.state != "T":
        return None
    why = ["who sent the signal is not recorded by the kernel"]
    if facts.tty and facts.foreground not in (facts.pgrp, -1):
        why.append(
            f"it is in the background of terminal {facts.tty}: Ctrl-Z there, or the terminal itself stopped it because"
            " it wanted to read or write (SIGTTIN, SIGTTOU)"
        )
    elif facts.tty:
        why.append(
            f"it is in the foreground of terminal {facts.tty}, so that a SIGSTOP is likely, not Ctrl-Z"
        )
    else:
        why.append("it has no terminal, so that it was SIGSTOP, from a program or a person")
    if facts.parent is not None:
        why.append(f"its parent, which is told of stops, is {facts.parent}")
    return Finding(
        "stopped",
        NOTE,
        "stopped by a signal: it does nothing until it gets SIGCONT",
        tuple(why),
        (facts.parent.pid,) if facts.parent is not None else (),
        (f"let it go on: pn cont {facts.me.pid}", *(("or type fg in its shell",) if facts.tty else ())),
    )
