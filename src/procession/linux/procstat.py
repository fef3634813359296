"""One line of /proc/PID/stat as a record: proc_pid_stat(5)."""

from __future__ import annotations

from procession.records import record


@record
class ProcStat:
    """What the kernel tells of one process in one line.

    Times ``utime`` to ``cstime``, ``starttime`` (after boot), ``guest_time`` and ``cguest_time`` are in
    clock ticks (sysconf SC_CLK_TCK: 100 a second); so is ``delayacct_blkio_ticks``.  ``vsize`` and
    ``rsslim`` are bytes, ``rss`` is in pages (and inexact: the kernel batches its counters).  ``comm`` is at
    most 15 bytes (63 for kernel threads) of any kind.  ``state`` is one letter: R running, S sleeping,
    D waiting for a disk, T stopped, t traced, Z zombie, I idle kernel thread, X dead.  ``tpgid`` is -1
    without a terminal.  Addresses and ``exit_code`` (in the form of waitpid) read 0 without the right to
    trace the process.  ``itrealvalue``, ``nswap``, ``cnswap`` and the signal masks are not kept up by the
    kernel; status has the masks.  Fields that an older kernel does not have read 0.
    """

    pid: int
    comm: bytes
    state: str
    ppid: int
    pgrp: int
    session: int
    tty_nr: int
    tpgid: int
    flags: int
    minflt: int
    cminflt: int
    majflt: int
    cmajflt: int
    utime: int
    stime: int
    cutime: int
    cstime: int
    priority: int
    nice: int
    num_threads: int
    itrealvalue: int
    starttime: int
    vsize: int
    rss: int
    rsslim: int = 0
    startcode: int = 0
    endcode: int = 0
    startstack: int = 0
    kstkesp: int = 0
    kstkeip: int = 0
    signal: int = 0
    blocked: int = 0
    sigignore: int = 0
    sigcatch: int = 0
    wchan: int = 0
    nswap: int = 0
    cnswap: int = 0
    exit_signal: int = 0
    processor: int = 0
    rt_priority: int = 0
    policy: int = 0
    delayacct_blkio_ticks: int = 0
    guest_time: int = 0
    cguest_time: int = 0
    start_data: int = 0
    end_data: int = 0
    start_brk: int = 0
    arg_start: int = 0
    arg_end: int = 0
    env_start: int = 0
    env_end: int = 0
    exit_code: int = 0


_NUMBERS = 49  # fields after the state


def parse_stat(data: bytes) -> ProcStat:
    """Split a stat line.

    The name stands between the first "(" and the LAST ")": it may hold parentheses, spaces and newlines
    itself, and all that follows it is numbers.  Fields that a newer kernel adds are ignored.
    Raises ValueError for anything that is not such a line.
    """
    opened = data.index(b"(")
    closed = data.rindex(b")")
    state, *numbers = data[closed + 1 :].split()
    if len(numbers) < 21:
        raise ValueError(f"not a line of /proc/PID/stat: {data!r}")
    return ProcStat(
        int(data[:opened]), data[opened + 1 : closed], state.decode("ascii"), *map(int, numbers[:_NUMBERS])
    )
