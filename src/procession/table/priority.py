"""Nice values and I/O priorities of whole processes: of all their threads, which have one each (sched(7), ioprio_set(2))."""

from __future__ import annotations

import errno
import os

from procession.records import record as frozen
from procession.table.users import user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.record import ProcessRecord
    from procession.table.source import Source

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "s390x": 282}
_CLASSES = {"realtime": 1, "best-effort": 2, "idle": 3}


@frozen
class Nice:
    """``value``: the new one, or with ``relative`` what is added to the old one; within -20 and 19."""

    value: int
    relative: bool = False

    def of(self, old: int) -> int:
        """The new value."""
        return max(-20, min(19, old + self.value if self.relative else self.value))


def parse_nice(word: str) -> Nice:
    """``10``, ``+5`` and ``-5`` relative, ``=-5`` for the value itself.  Raises ValueError."""
    if word.startswith("="):
        return Nice(int(word[1:]))
    return Nice(int(word), relative=word[:1] in ("+", "-"))


def parse_io(word: str) -> int:
    """``idle``, ``best-effort:0`` to ``:7``, ``realtime:4`` as the number of ioprio_set(2).  Raises ValueError."""
    name, _, level = word.partition(":")
    number = int(level or 4)
    if name not in _CLASSES or not 0 <= number <= 7 or (name == "idle" and level):
        raise ValueError(word)
    return _CLASSES[name] << 13 | (0 if name == "idle" else number)


parse_io.__name__ = (
    "class such as idle or best-effort:7"  # argparse puts the function's name into its message
)
parse_nice.__name__ = "nice value"


def renice(one: ProcessRecord, nice: Nice, source: Source) -> str:
    """Give it a nice value; "" or why not, as words that follow its name.

    setpriority(2) knows no pidfd.  The start time is looked at before and after, so that a pid which changed hands in
    between is at least told of.
    """
    new = nice.of(one.nice)
    words = _on_threads(one, source, lambda tid: os.setpriority(os.PRIO_PROCESS, tid, new))
    if words == _REFUSED:
        return (
            f"cannot be raised from {one.nice} to {new}: that takes root, CAP_SYS_NICE or a larger limit "
            "(ulimit -e, RLIMIT_NICE)"
        )
    return words


def set_io(one: ProcessRecord, priority: int, source: Source) -> str:
    """Give it an I/O priority; "" or why not."""
    from procession.linux.libc import call

    number = _IOPRIO_SET.get(os.uname().machine)
    if number is None:
        return "stays as it is: the number of ioprio_set on this kind of machine is not known"
    words = _on_threads(one, source, lambda tid: call("syscall", number, 1, tid, priority))
    return "cannot have that I/O class: it takes root or CAP_SYS_NICE" if words == _REFUSED else words


_REFUSED = "refused"


def _on_threads(one: ProcessRecord, source: Source, act: Callable[[int], object]) -> str:
    done: set[int] = set()
    # Again until no thread is new: each begins with the priority of the one that made it.
    while new := [tid for tid in source.tids(one.pid) if tid not in done]:
        if not one.is_current():
            return "has ended meanwhile"
        for tid in new:
            done.add(tid)
            try:
                act(tid)
            except ProcessLookupError:  # this thread has ended
                continue
            except OSError as error:
                if error.errno == errno.EACCES or (error.errno == errno.EPERM and _is_ours(one)):
                    return _REFUSED
                if error.errno == errno.EPERM:
                    owner = user_name(one.uids[0])
                    return f"belongs to {owner}: ask {owner}, or use sudo"
                return error.strerror or str(error)
    return "" if done and one.is_current() else "has ended meanwhile"


def _is_ours(one: ProcessRecord) -> bool:
    return os.geteuid() in (0, one.uids[0], one.uids[1])
