"""Why a signal did not do what it was sent for: pure functions of a record, in words that follow "pid 7 (name) "."""

from __future__ import annotations

from procession.records import record
from procession.table.columns.printable import printable
from procession.table.signals import full_name
from procession.table.users import user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord

SIGKILL = 9
_UNSTOPPABLE = (SIGKILL, 19)  # and SIGSTOP


@record
class Parent:
    """Of a zombie."""

    pid: int
    name: str


def named(one: ProcessRecord) -> str:
    """``pid 7 (name)``, fit for a terminal."""
    return f"pid {one.pid} ({printable(one.comm_bytes)})"


def not_permitted(one: ProcessRecord, what: str = "signalled") -> str:
    """EPERM: whose it is."""
    if one.is_kernel_thread:
        return "is a thread of the kernel: it takes no signals"
    owner = user_name(one.uids[0])
    return f"belongs to {owner} and cannot be {what} by you: ask {owner}, or use sudo"


def not_queued(error: OSError) -> str:
    """A signal with a value that the kernel did not take."""
    import errno

    if error.errno == errno.EAGAIN:
        return "has as many signals waiting as its user may have (ulimit -i): send it without -q, or later"
    return f"was not signalled: {error.strerror or error}"


def zombie(parent: Parent | None) -> str:
    """It has ended, and who has not collected it."""
    if parent is None:
        return "is a zombie: it has ended already and only waits to be collected by its parent"
    if parent.pid == 1:
        return (
            f"is a zombie: it has ended already, and process 1 ({parent.name}) does not collect it; "
            "it costs a pid and nothing else"
        )
    return (
        f"is a zombie: it has ended already, and its parent {parent.pid} ({parent.name}) has not collected it: "
        f"remind that with pn kill -CHLD {parent.pid}; if that does not help, end {parent.pid} and init collects it"
    )


def remark(one: ProcessRecord, number: int) -> str:
    """What is to be said of a signal that was sent; "" when nothing is."""
    if one.state == "D" and number:
        where = f" in {one.wchan}" if one.wchan else ""
        return f"waits{where} for a device or a file system (state D) and takes the signal when it wakes"
    if number and one.is_kernel_thread:
        return "is a thread of the kernel: it ignores signals"
    if number and number not in _UNSTOPPABLE and is_namespace_init(one) and not _catches(one, number):
        return (
            f"is the first process of a pid namespace (a container) and has no handler for {full_name(number)}: "
            "the kernel drops it; only -KILL works from outside"
        )
    return ""


def still_there(one: ProcessRecord, number: int) -> str:
    """Why a process has not ended of a signal, as far as its state tells.  ``one`` is of now."""
    if one.state == "D":
        where = f" in {one.wchan}" if one.wchan else ""
        which = "no signal ends it" if number == SIGKILL else "only -KILL ends it, and that not always,"
        return f"waits{where} for a device or a file system (state D): {which} before it wakes"
    bit = 1 << (number - 1) if number else 0
    if bit and number not in _UNSTOPPABLE:
        if is_namespace_init(one) and not _catches(one, number):
            return f"is the first process of a pid namespace and {full_name(number)} does not reach it: -KILL does"
        if one.status_mask(b"SigIgn") & bit:
            return f"ignores {full_name(number)}: -KILL cannot be ignored"
        if one.status_mask(b"SigBlk") & bit:
            return f"has blocked {full_name(number)}, which stays pending: -KILL cannot be blocked"
        if one.state in "Tt":
            by = "by a debugger" if one.state == "t" else "(state T)"
            return f"is stopped {by} and takes {full_name(number)} when it goes on: pn cont {one.pid}"
        if one.status_mask(b"SigCgt") & bit:
            return (
                f"has a handler for {full_name(number)} and still runs: it may be cleaning up; -KILL ends it"
            )
    return f"still runs (state {one.state})"


def is_namespace_init(one: ProcessRecord) -> bool:
    """Is it process 1 of a pid namespace below ours?"""
    numbers = one.status.get(b"NSpid", b"").split()
    return len(numbers) > 1 and numbers[-1] == b"1"


def _catches(one: ProcessRecord, number: int) -> bool:
    return bool(one.status_mask(b"SigCgt") & 1 << (number - 1))
