"""Run one command and report what it cost: ``python -I -S launch.py RESULT_FD COMMAND...``.

A small process of its own, because the kernel carries the peak RSS of a process across ``exec``: a
command spawned straight from the bench, whose own memory holds the listings of whole trees, would be
reported as at least as fat as the bench.  So the floor of ``max_rss`` is this little program (reported as
``floor_rss``), and below it a figure means "at most this".

``max_rss`` is wait4's ``ru_maxrss``: the largest *single* process among the command and those
descendants that it waited for, not their sum.  ``user`` and ``system`` do add up over them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time


def main(argv: list[str]) -> None:
    """Spawn, wait, report as one JSON object on the descriptor RESULT_FD."""
    result, command = int(argv[0]), argv[1:]
    os.set_inheritable(result, False)
    # Python ignores SIGPIPE and SIGXFSZ, and what is ignored stays ignored across exec.
    defaults = (signal.SIGPIPE, signal.SIGXFSZ)
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, setsigdef=defaults)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    report = {
        "seconds": seconds,
        "user": usage.ru_utime,
        "system": usage.ru_stime,
        "max_rss": usage.ru_maxrss * 1024,
        "floor_rss": _peak_rss(),
        "code": os.waitstatus_to_exitcode(status),
    }
    os.write(result, json.dumps(report).encode())


def _peak_rss() -> int:
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])
