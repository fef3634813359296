"""From what a keeper has seen to an outcome: a plain function."""

from __future__ import annotations

from procession.jobs.outcome import DONE, FAILED, KILLED, MEMORY, Outcome
from procession.process.exits import Usage, exit_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource

    from procession.linux.pidfd import Status


class Account:
    """``status`` of the command, at the Unix time ``ended``; None: it lives.  ``kind`` and ``why``: it was ended by us
    for this reason.  ``memory``: what was exceeded, in words, if the kernel has killed one of the tree for it.
    ``peak_memory``: bytes, of the largest of them; at least some 10 MB, since an exec keeps the mark of the image that
    forked (fs/exec.c, setmax_mm_hiwater_rss).  ``sent``: signals that somebody sent through us.  ``leftovers``: processes that outlived it and were ended."""

    def __init__(self) -> None:
        self.status: Status | None = None
        self.ended = 0.0
        self.kind = self.why = self.memory = ""
        self.sent: set[int] = set()
        self.leftovers = 0
        self.cpu_seconds = 0.0
        self.peak_memory = 0

    def reaped(self, usage: resource.struct_rusage) -> None:
        """One child of the keeper, and whom it had waited for."""
        self.cpu_seconds += usage.ru_utime + usage.ru_stime
        self.peak_memory = max(self.peak_memory, usage.ru_maxrss << 10)


def verdict(account: Account, pid: int, began: float, peak: int | None = None) -> Outcome:
    """``peak``: memory of the whole tree, where a control group has counted it."""
    status = account.status
    assert status is not None
    exit = exit_of(status, Usage(account.cpu_seconds, account.peak_memory))
    kind = KILLED if status.signal is not None else FAILED if status.code else DONE
    reason = exit.reason
    if account.kind:
        kind, reason = account.kind, account.why or f"{exit.reason}, as somebody asked for its end"
    elif account.memory and kind != DONE:
        kind, reason = MEMORY, f"went over {account.memory} and {exit.reason}"
    elif status.signal in account.sent:
        reason = f"{exit.reason}, sent by pn"
    return Outcome(
        kind, reason, status.code, status.signal, status.core_dumped, pid, began, account.ended,
        account.cpu_seconds, account.peak_memory if peak is None else peak, account.leftovers,
    )  # fmt: skip
