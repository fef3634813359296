"""Asleep: for what, and what whoever it waits for is waiting for in turn."""

from __future__ import annotations

from procession.table.explain import (
    waits_child,
    waits_futex,
    waits_lock,
    waits_other,
    waits_pipe,
    waits_poll,
    waits_socket,
    waits_terminal,
    waits_timer,
)
from procession.table.explain.finding import FINE, Finding
from procession.table.explain.words import STATES
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.waits import Wait

_MODULES = (
    waits_pipe,
    waits_socket,
    waits_futex,
    waits_child,
    waits_timer,
    waits_terminal,
    waits_lock,
    waits_poll,
    waits_other,
)
_BY_KIND = {kind: module for module in _MODULES for kind in module.KINDS}


def explain(facts: Facts) -> Finding | None:
    """Of a process whose main thread sleeps."""
    wait = facts.wait
    if facts.me.state != "S" or facts.is_kernel_thread:
        return None
    if wait is None:
        if "R" in facts.thread_states:
            return None  # running.py has it
        return Finding("asleep", FINE, "asleep now and then: it was awake again when we looked closer")
    why, todo = _BY_KIND[wait.kind].advice(wait, facts)
    return Finding(
        "asleep",
        FINE,
        f"asleep: {phrase(wait, facts)}",
        (*why, *in_turn(facts), *_threads(facts)),
        tuple(dict.fromkeys(party.pid for each in (wait, *facts.chain) for party in each.parties)),
        todo,
    )


def phrase(wait: Wait, facts: Facts) -> str:
    """What a thread waits for, without its subject."""
    words: str = _BY_KIND[wait.kind].phrase(wait, facts)
    return words


def in_turn(facts: Facts) -> list[str]:
    """What the one whom it waits for does, and so on."""
    lines = []
    for wait in facts.chain:
        who = facts.people.get(wait.pid)
        held = who is not None and who.state in "Tt"
        doing = f"is {STATES[who.state]}" if held and who is not None else phrase(wait, facts)
        lines.append(f"{facts.name(wait.pid)} in turn {doing}")
        if held:
            return lines
    last = (facts.chain or ((facts.wait,) if facts.wait is not None else ()))[-1:]
    for wait in last:
        pids = {party.pid for party in wait.others} - {facts.me.pid}
        who = facts.people.get(next(iter(pids))) if len(pids) == 1 else None
        if who is not None and who.state in "RTtD" and who.pid not in {each.pid for each in facts.chain}:
            lines.append(f"{who} {'' if who.state == 'R' else 'is '}{STATES[who.state]}")
    return lines


def _threads(facts: Facts) -> list[str]:
    """The other threads, those that do the same together."""
    others = facts.waits[1:]
    counts: dict[str, int] = {}
    for wait in others:
        words = "runs" if wait is None else phrase(wait, facts)
        if wait is not None and wait.kind == "futex" and not wait.parties:
            words = "waits for a lock or a notice between threads (a futex)"
        counts[words] = counts.get(words, 0) + 1
    found = sorted(counts.items(), key=lambda pair: -pair[1])
    lines = [f"{number(count, 'other thread')}: {words}" for words, count in found[:6]]
    more = sum(count for _, count in found[6:])
    return [*lines, *([f"{number(more, 'other thread')}: {len(found) - 6} other things"] if more else [])]
