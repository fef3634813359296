"""The contestants: ours, task-spooler and supervisor, each with a server of its own in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

OURS, SPOOLER, SUPERVISOR = "pn", "task-spooler", "supervisor"
PATIENCE = 60.0


class Peer:
    """A server that runs jobs.  Commands are lists of words, jobs are known by what ``submit`` returns."""

    name = ""
    program = ""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pnb", dir="/tmp"))
        self.environment: dict[str, str] = dict(os.environ)

    def start(self) -> None:
        """Bring the server up."""

    def submit(self, command: Sequence[str]) -> str:
        """Hand in one job with the peer's own command."""
        raise NotImplementedError

    def wait(self, job: str) -> None:
        """Until it has ended."""
        raise NotImplementedError

    def code(self, job: str) -> int | None:
        """Its exit code; None: the peer does not know it."""
        raise NotImplementedError

    def server(self) -> int:
        """The pid behind the socket."""
        raise NotImplementedError

    def overhead(self, commands: set[int]) -> int:
        """Bytes (PSS) of all that is not one of the ``commands``."""
        members = descendants(self.server()) | {self.server()}
        return sum(pss(pid) for pid in members - commands)

    def stop(self) -> None:
        """End everything of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, *words: str, check: bool = True) -> str:
        """Run one command of the peer."""
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()


class Ours(Peer):
    name, program = OURS, str(Path(sys.executable).parent / "pn")

    def __init__(self) -> None:
        super().__init__()
        self.environment["PN_JOBS"] = str(self.folder)

    def start(self) -> None:
        self.call(self.program, "daemon", "start")

    def submit(self, command: Sequence[str]) -> str:
        return self.call(self.program, "run", "--no-pty", *command)

    def wait(self, job: str) -> None:
        self.call(self.program, "wait", "-q", f"%{job}", check=False)

    def code(self, job: str) -> int | None:
        found = json.loads(self.call(self.program, "show", "--json", job).splitlines()[0])
        outcome = found["job"]["state"].get("outcome")
        code: int | None = outcome["code"] if outcome else None
        return code

    def server(self) -> int:
        return peer_of(self.folder / "run/daemon.sock")

    def nursery(self) -> int:
        return int(json.loads(self.call(self.program, "daemon", "status", "--json"))["nursery"])

    def overhead(self, commands: set[int]) -> int:
        top = self.nursery()
        return sum(pss(pid) for pid in (descendants(top) | {top}) - commands)

    def slots(self, count: int) -> None:
        self.call(self.program, "group", "default", "--slots", str(count))

    def stop(self) -> None:
        self.call(self.program, "daemon", "stop", "--end-jobs", check=False)
        super().stop()


class Spooler(Peer):
    name, program = SPOOLER, "tsp"

    def __init__(self) -> None:
        super().__init__()
        self.environment |= {"TS_SOCKET": f"{self.folder}/socket", "TMPDIR": str(self.folder)}
        self.environment |= {"TS_MAXFINISHED": "10000"}

    def start(self) -> None:
        self.call(self.program, "-l")

    def submit(self, command: Sequence[str]) -> str:
        return self.call(self.program, *command)

    def wait(self, job: str) -> None:
        self.call(self.program, "-w", job, check=False)

    def code(self, job: str) -> int | None:
        said = self.call(self.program, "-i", job, check=False).splitlines()
        exits = [line for line in said if line.startswith("Exit status: died with exit code ")]
        return int(exits[0].rsplit(" ", 1)[1]) if exits else None

    def server(self) -> int:
        return peer_of(Path(self.environment["TS_SOCKET"]))

    def overhead(self, commands: set[int]) -> int:
        # Its runners are no children of the server: each command's parent is one.
        runners = {parent_of(pid) for pid in commands}
        return sum(pss(pid) for pid in (runners | {self.server()}) - commands - {1})

    def slots(self, count: int) -> None:
        self.call(self.program, "-S", str(count))

    def stop(self) -> None:
        self.call(self.program, "-K", check=False)
        super().stop()


class Supervisor(Peer):
    name, program = SUPERVISOR, "supervisord"

    def __init__(self) -> None:
        super().__init__()
        self._programs: list[str] = []

    def start(self) -> None:
        self._write()
        self.call(self.program, "-c", self._config)

    def submit(self, command: Sequence[str]) -> str:
        return self.submit_many([command])[0]

    def submit_many(self, commands: Sequence[Sequence[str]]) -> list[str]:
        """All of them by one change of its configuration, which is its way."""
        names = [f"p{len(self._programs) + at}" for at in range(len(commands))]
        self._programs += [
            f"[program:{name}]\ncommand={' '.join(command)}\nautorestart=false\nstartsecs=0\n"
            f"stdout_logfile={self.folder}/{name}.log\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
            for name, command in zip(names, commands, strict=True)
        ]
        self._write()
        self._control("update")
        return names

    def wait(self, job: str) -> None:
        until = time.monotonic() + PATIENCE
        while "EXITED" not in self._control("status", job) and time.monotonic() < until:
            time.sleep(0.01)

    def code(self, job: str) -> int | None:
        # supervisorctl shows no code; its log does ("exit status 3").
        said = Path(f"{self.folder}/log").read_text().splitlines()
        exits = [line for line in said if f"exited: {job} (exit status" in line]
        return int(exits[-1].split("exit status ")[1].split(";")[0].rstrip(")")) if exits else None

    def server(self) -> int:
        return int(Path(f"{self.folder}/pid").read_text())

    def stop(self) -> None:
        self._control("shutdown")
        super().stop()

    @property
    def _config(self) -> str:
        return f"{self.folder}/supervisord.conf"

    def _control(self, *words: str) -> str:
        return self.call("supervisorctl", "-c", self._config, *words, check=False)

    def _write(self) -> None:
        Path(self._config).write_text(
            f"[unix_http_server]\nfile={self.folder}/socket\n[supervisord]\nlogfile={self.folder}/log\n"
            f"pidfile={self.folder}/pid\nminfds=4096\n[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self.folder}/socket\n" + "".join(self._programs)
        )


def here() -> tuple[list[type[Peer]], list[str]]:
    """Who can be measured, and the names of those that are missing."""
    everybody: list[type[Peer]] = [Ours, Spooler, Supervisor]
    present = [peer for peer in everybody if shutil.which(peer.program)]
    return present, [peer.name for peer in everybody if peer not in present]


def versions() -> Mapping[str, str]:
    """Of the Debian packages."""
    found = {}
    for package in (SPOOLER, SUPERVISOR):
        done = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
        )
        found[package] = done.stdout or "unknown"
    return found


# ── processes ─────────────────────────────────────────────────────────────────────────────────────


def peer_of(path: Path) -> int:
    """Who listens on this socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", raw)[0]
        return pid


def kill(pid: int) -> None:
    """SIGKILL, and until it is gone."""
    pidfd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        import select

        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.poll(PATIENCE * 1000)
    finally:
        os.close(pidfd)


def parent_of(pid: int) -> int:
    """Its parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def descendants(top: int) -> set[int]:
    """All below it."""
    found: set[int] = set()
    todo = [top]
    while todo:
        each = todo.pop()
        try:
            children = Path(f"/proc/{each}/task/{each}/children").read_text().split()
        except FileNotFoundError:
            continue
        fresh = {int(word) for word in children} - found
        found |= fresh
        todo += fresh
    return found


def pss(pid: int) -> int:
    """Its share of memory in bytes; 0 for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def named(mark: str) -> set[int]:
    """Processes whose command line has this word."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if mark.encode() in words and words[0] == b"sleep":
                found.add(int(name))
    return found
