"""A pid namespace with specimens, in which ps and pn ps look at the same table.

Runs as ``unshare -pf --mount-proc python ps_room.py proom``: each line on standard input is a command line as JSON,
``{"who": "ps" or "pn", "args": [...], "env": {...}}``, and each line of the answer what came out.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from typing import Any

SLEEP = ("sleep", "100000")
HIDDEN = (
    "import os, signal; os.setgid(33); os.setuid(1); signal.pause()"  # so its files are root's: not dumpable
)
LOCKED = "import ctypes, signal; ctypes.CDLL(None).mlockall(1); signal.pause()"
THREADED = (
    "import os, signal, threading; open('/proc/self/comm', 'wb').write(b'o) \\n(\\x1b[7m'); "
    "[threading.Thread(target=threading.Event().wait, daemon=True).start() for _ in range(3)]; signal.pause()"
)
MASKED = (
    "import os, signal; signal.signal(10, lambda *_: 0); signal.signal(12, signal.SIG_IGN); "
    "signal.pthread_sigmask(0, [14, 40]); os.kill(os.getpid(), 14); signal.sigwait([2])"
)


def main() -> None:
    with open("/proc/self/comm", "wb") as file:
        file.write(b"proom")
    count = furnish()
    settle(count)
    print(json.dumps({"specimens": count}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(run_ps(job) if job["who"] == "ps" else run_pn(job)), flush=True)


def furnish() -> int:
    """One of each kind; how many there are."""
    start(*SLEEP)
    start("nice", "-n", "5", *SLEEP)
    start("nice", "-n", "-7", *SLEEP)
    start("setsid", "sh", "-c", "sleep 100001 & sleep 100002 & wait")
    start("setpriv", "--reuid", "1", "--regid", "33", "--clear-groups", *SLEEP)
    start("setpriv", "--ruid", "2", "--euid", "3", "--rgid", "4", "--egid", "5", "--groups", "6,7,8", *SLEEP)
    start("setpriv", "--reuid", "987654321", "--clear-groups", *SLEEP)
    start("chrt", "-f", "7", *SLEEP)
    start("chrt", "-r", "3", *SLEEP)
    start("chrt", "-b", "0", *SLEEP)
    start("chrt", "-i", "0", *SLEEP)
    odd = "we\x1b[31mird\nname é中\u202e\udcff\x7f".encode("utf-8", "surrogateescape")
    start("bash", "-c", 'exec -a "$1" sleep 100003', "x", odd)
    start("bash", "-c", 'exec -a "" sleep 100004')
    start("sleep", "100005", "", "")
    start("sleep", "100006", "long" * 900)
    start(sys.executable, "-ISc", THREADED)
    start(sys.executable, "-ISc", HIDDEN)
    start(sys.executable, "-ISc", LOCKED)
    start(sys.executable, "-ISc", MASKED)
    start("true")  # a zombie: nobody reaps it
    os.kill(start(*SLEEP), signal.SIGSTOP)
    on_terminal()
    return len(others())


def start(*words: str | bytes) -> int:
    return subprocess.Popen(words, stdin=subprocess.DEVNULL).pid


def on_terminal() -> None:
    """In the foreground of a terminal of its own."""
    pid, master = os.forkpty()
    if not pid:
        os.execvp("sleep", SLEEP)
    fcntl.fcntl(master, fcntl.F_SETFD, fcntl.FD_CLOEXEC)


def others() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def settle(at_least: int) -> None:
    """Until all have become what they are to be, and sleep: no event tells that."""
    before: list[tuple[int, bytes, bytes]] = []
    still = 0
    while still < 200:
        now = [
            (pid, read(pid, "stat").rpartition(b")")[2].split()[0], read(pid, "cmdline")) for pid in others()
        ]
        resting = all(state in b"STZ" for _, state, _ in now) and len(now) >= at_least
        still = still + 1 if resting and now == before else 0
        before = now
        os.sched_yield()


def read(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def run_ps(job: dict[str, Any]) -> dict[str, Any]:
    environment = {**os.environ, **job.get("env", {})}
    program = subprocess.Popen(
        ["ps", *job["args"]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    out, err = program.communicate()
    return {
        "pid": program.pid,
        "code": program.returncode,
        "out": out.decode("latin-1"),
        "err": err.decode("latin-1"),
    }


def run_pn(job: dict[str, Any]) -> dict[str, Any]:
    """In a forked child, which saves the start of an interpreter for each of hundreds of runs."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(write_end, 1)
        os.dup2(os.open("/dev/null", os.O_RDWR), 0)
        os.dup2(0, 2)
        os.environ.update(job.get("env", {}))
        import time

        time.tzset()
        from procession.cli import main as pn

        code = pn(["ps", *job["args"]])
        sys.stdout.flush()
        os._exit(code)
    os.close(write_end)
    with open(read_end, "rb") as file:
        out = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {"pid": pid, "code": code, "out": out.decode("latin-1"), "err": ""}


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: the room ends with those who have opened it
    main()
