"""Why a child ended, in words: what the kernel says, put together with what we know."""

from __future__ import annotations

from procession.process import line
from procession.process.exits import SIGKILL, SIGXCPU, Exit, explained

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.process.handle import Handle

_WORDS_MAX = 200
_killed_for_memory = -1  # the kernel's count when we last looked


def explain(exit: Exit, handle: Handle) -> Exit:
    """The exit with the best reason that can be given."""
    limits = handle.options.limits
    if exit.signal is None:
        raised = _raised(handle.message) if exit.code else ""
        if not raised:
            return exit
        if raised == "MemoryError" and limits and limits.memory:
            raised += f" (its memory limit is {limits.memory} bytes)"
        return explained(exit, f"raised {raised}")
    cause = handle.why
    if not cause and exit.signal == SIGXCPU and limits and limits.cpu_seconds:
        cause = f"it had used up its limit of {limits.cpu_seconds} s of CPU"
    elif not cause and exit.signal == SIGKILL and kernel_ran_out_of_memory():
        cause = "the kernel killed a process because memory ran out, probably this one"
    return explained(exit, f"{exit.reason}: {cause}") if cause else exit


def kernel_ran_out_of_memory() -> bool:
    """Has the kernel killed anybody for want of memory since the last call?  (/proc/vmstat, oom_kill)"""
    global _killed_for_memory
    before, _killed_for_memory = _killed_for_memory, _count()
    return 0 <= before < _killed_for_memory


def _count() -> int:
    try:
        with open("/proc/vmstat", "rb") as file:
            for row in file:
                if row.startswith(b"oom_kill "):  # since Linux 4.13
                    return int(row.split()[1])
    except OSError:
        pass
    return -1


def _raised(message: line.Message | None) -> str:
    """``ValueError: what it said``; the message holds plain strings, so nobody's code runs here."""
    if message is None or message.kind != line.FAILED:
        return ""
    from procession.ipc.faults import peek_error

    kind, words = peek_error(message.data)
    kind = kind.removeprefix("builtins.").removeprefix("procession.errors.")
    first = words.strip().partition("\n")[0]
    if len(first) > _WORDS_MAX:
        first = first[:_WORDS_MAX] + "…"
    return f"{kind}: {first}" if first else kind
