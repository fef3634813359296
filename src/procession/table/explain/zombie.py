"""A zombie: it has ended, and its parent has not asked how (wait(2)); nothing but its entry is left of it."""

from __future__ import annotations

from procession.table.explain.finding import NOTE, WRONG, Finding
from procession.table.explain.words import long
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

_JUST = 2.0  # seconds; a child that is younger than that, and was seen once only, may be reaped any moment


def explain(facts: Facts) -> Finding | None:
    """Who ended, how, and who does not reap it."""
    if facts.me.state != "Z":
        return None
    others = [state for state in facts.thread_states[1:] if state not in "ZX"]
    if others:
        return _without_its_first(facts, len(others))
    ending = facts.ending or "ended; how is not ours to read"
    parent = facts.parent
    whom = (
        f"its parent {parent} does not reap it"
        if parent is not None
        else "nobody reaps it: its parent is outside"
    )
    return Finding(
        "zombie",
        NOTE if facts.me.age < _JUST and not facts.was_dead else WRONG,
        f"a zombie: it {ending}, and {whom}",
        tuple(_why(facts)),
        (parent.pid,) if parent is not None else (),
        tuple(_todo(facts)),
    )


def _why(facts: Facts) -> list[str]:
    lines = [
        f"since when: the kernel keeps no time of an end; it began {long(facts.me.age)} ago and ended after that",
        "it holds no memory and no files, only its pid; signals have no effect on it",
    ]
    parent = facts.parent
    if parent is None:
        return lines
    says = {
        "ignores": "the parent ignores SIGCHLD now, but did not when this child ended (else it would be gone)",
        "catches": "the parent has a handler for SIGCHLD, which has not called wait for this child",
        "default": "the parent has no handler for SIGCHLD and does not ignore it: it has to call wait, and does not",
    }
    if facts.parent_sigchld in says:
        lines.append(says[facts.parent_sigchld])
    if parent.state in "TtD":
        state = "stopped" if parent.state in "Tt" else "asleep and deaf to signals (state D)"
        lines.append(f"the parent is {state}, so it cannot reap")
    return lines


def _todo(facts: Facts) -> list[str]:
    parent = facts.parent
    if parent is None:
        return []
    if parent.state in "Tt":
        return [f"let the parent go on: pn cont {parent.pid}"]
    if parent.pid == 1:
        return ["pid 1 here does not reap what it adopts: run a real init there (docker run --init, tini)"]
    return [
        f"see what the parent does: pn explain {parent.pid}",
        f"when the parent ends (pn kill {parent.pid}), whoever adopts the zombie reaps it",
        "in the parent's program: wait for each child, or ignore SIGCHLD",
    ]


def _without_its_first(facts: Facts, count: int) -> Finding:
    """The kernel shows Z for a process whose main thread has ended, however alive it is."""
    return Finding(
        "zombie",
        NOTE,
        f"it looks like a zombie and is none: its main thread has ended, {number(count, 'other thread')} live on",
        (f"threads are in state {', '.join(facts.thread_states[1:])}", "it ends when its last thread does"),
    )
