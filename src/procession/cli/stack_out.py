"""What ``pn stack`` prints."""

from __future__ import annotations

import json

from procession.table.board.formats import printable
from procession.table.explain.asleep import phrase
from procession.table.explain.words import STATES
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from procession.table.facts import Facts
    from procession.table.stacks import Stack
    from procession.table.waits import Wait


def lines(facts: Facts, stacks: Sequence[Stack] | None, *, full: bool) -> Iterator[str]:
    """Title, then each thread: what it does, its Python calls; of the main thread the kernel's stack too."""
    count = len(facts.thread_states)
    threads = f", {number(count, 'thread')}" if count > 1 else ""
    yield f"pid {facts.me.pid}  {facts.me.name}  ({STATES.get(facts.me.state, facts.me.state)}{threads})"
    by_tid = {stack.tid: stack for stack in stacks or ()}
    for wait, tid in _threads(facts):
        stack = by_tid.pop(tid, None)
        yield _thread(facts, tid, wait, stack)
        if stack is not None:
            yield from _calls(stack, full=full)
        if tid == facts.me.pid and facts.stack and stack is None:
            yield from (f"    {name} (kernel)" for name in facts.stack)
    for stack in by_tid.values():  # begun between the two looks, or threads whose number py-spy cannot tell
        yield f'thread {stack.tid or "?"} "{printable(stack.name)}"'
        yield from _calls(stack, full=full)


def _threads(facts: Facts) -> list[tuple[Wait | None, int]]:
    return list(zip(facts.waits, facts.tids, strict=False))


def _thread(facts: Facts, tid: int, wait: Wait | None, stack: Stack | None) -> str:
    name = f' "{printable(stack.name)}"' if stack is not None and stack.name else ""
    gil = ", holds the GIL" if stack is not None and stack.has_gil else ""
    return f"thread {tid}{name}: {phrase(wait, facts) if wait is not None else 'runs'}{gil}"


def _calls(stack: Stack, *, full: bool) -> Iterator[str]:
    for frame in stack.frames:
        place = printable(frame.path if full else frame.file)
        yield f"    {printable(frame.function)} ({place}:{frame.line})"


def json_line(facts: Facts, stacks: Sequence[Stack] | None, note: str) -> str:
    """``threads``: tid, name, waits (in words, null when it runs), frames (null where Python's calls are unknown)."""
    by_tid = {stack.tid: stack for stack in stacks or ()}
    return json.dumps(
        {
            "pid": facts.me.pid,
            "name": facts.me.name,
            "state": facts.me.state,
            "threads": [
                {
                    "tid": tid,
                    "name": by_tid[tid].name if tid in by_tid else "",
                    "waits": phrase(wait, facts) if wait is not None else None,
                    "frames": _frames(by_tid.get(tid)),
                }
                for wait, tid in _threads(facts)
            ],
            "kernel_stack": list(facts.stack),
            "note": note,
        }
    )


def _frames(stack: Stack | None) -> list[dict[str, object]] | None:
    if stack is None:
        return None
    return [{"function": each.function, "file": each.path, "line": each.line} for each in stack.frames]
