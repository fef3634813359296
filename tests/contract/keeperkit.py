"""A real nursery and real keepers, with a daemon that is the test.

The nursery is started with a program for its daemon that hands its line to the test and then lives for as long as the
test holds it (``hands_over``).
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from procession.jobs import claims
from procession.jobs.outcome import Outcome
from procession.jobs.places import Places, prepare
from procession.jobs.plain import plain, to_record
from procession.jobs.spec import Spec
from procession.jobs.wire import DATA, Frames, data_frame, json_frame, json_of
from procession.linux.memfd import create_memfd
from procession.linux.seqpacket import recv_packet, send_packet, seqpacket_pair
from tests.harness import processes

PATIENCE = 40.0  # seconds; nothing here takes long, but the machine may be busy

_HANDS_OVER = """
import socket, sys
line = socket.socket(fileno=int(sys.argv[2]))
test = socket.socket(socket.AF_UNIX)
test.connect(sys.argv[1])
socket.send_fds(test, [b"x"], [line.fileno()])
line.close()
test.recv(1)
"""


class Room:
    """Folders, a nursery, and the test's end of its line."""

    def __init__(self) -> None:
        self.top = tempfile.mkdtemp(dir="/tmp", prefix="pnk")
        self.places = Places(f"{self.top}/state", f"{self.top}/run")
        self._before = os.environ.get("PN_JOBS")
        os.environ["PN_JOBS"] = self.top
        prepare(self.places)
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(f"{self.top}/door")
        self._door.listen()
        self._door.settimeout(PATIENCE)
        self._runs: list[Run] = []
        self._numbers = 0
        self._known: set[int] = set()
        env = {name: value for name, value in os.environ.items() if name != "PN_TREE"}
        code = "from procession.jobs.nursery import main; main()"
        words = [sys.executable, "-P", "-c", code, *(self.places.state, self.places.runtime)]
        subprocess.run([*words, "-P", "-c", _HANDS_OVER, f"{self.top}/door"], env=env, check=True)
        self.meet()

    def meet(self) -> None:
        """The next daemon of the nursery."""
        self.daemon, _ = self._door.accept()
        pid, _, _ = _credentials(self.daemon)
        self.daemon_pid = pid
        self.nursery_pid = processes.state_and_parent(pid)[1]
        self._known |= {pid, self.nursery_pid}
        _, fds, _, _ = socket.recv_fds(self.daemon, 1, 1)
        self.line = socket.socket(fileno=fds[0])

    def send(self, message: dict[str, Any], *fds: int) -> None:
        body = json.dumps(message).encode()
        memfd = create_memfd("order", len(body))
        try:
            os.pwrite(memfd, body, 0)
            send_packet(self.line, b"1", (memfd, *fds))
        finally:
            os.close(memfd)

    def keep(
        self,
        *command: str,
        env: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
        **spec: Any,
    ) -> Run:
        """Order a run of ``command``."""
        self._numbers += 1
        run = Run(self, self._numbers, Spec(command=command, **spec), env, more or {})
        self._runs.append(run)
        return run

    def sweep(self, mark: str) -> None:
        """Order a sweep, and wait for its end."""
        read, write = os.pipe2(os.O_CLOEXEC)
        try:
            self.send({"do": "sweep", "mark": mark}, write)
        finally:
            os.close(write)
        poll = select.poll()
        poll.register(read, select.POLLIN)
        assert poll.poll(PATIENCE * 1000), "the sweeper did not end"
        assert os.read(read, 1) == b""
        os.close(read)

    def finish(self) -> None:
        """After each test: nothing of its runs is left."""
        while self._runs:
            self._runs.pop().close()

    def close(self) -> None:
        self.finish()
        processes.kill(self.nursery_pid)
        self.line.close()
        self.daemon.close()
        self._door.close()
        wait_until(
            lambda: all(is_dead(pid) for pid in self._known),
            "daemon and nursery end",
        )
        del os.environ["PN_JOBS"]
        if self._before is not None:
            os.environ["PN_JOBS"] = self._before
        shutil.rmtree(self.top)


class Line:
    """A connection with a keeper."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self.sock = sock
        self._frames = Frames()
        self._waiting: list[tuple[bytes, bytes]] = []
        self.output = b""

    def say(self, do: str, **more: Any) -> None:
        self.sock.sendall(json_frame({"do": do, **more}))

    def type(self, data: bytes) -> None:
        self.sock.sendall(data_frame(data))

    def frame(self) -> tuple[bytes, bytes]:
        while not self._waiting:
            piece = self.sock.recv(1 << 16)
            if not piece:
                raise EOFError("the keeper has closed")
            self._waiting += self._frames.feed(piece)
        return self._waiting.pop(0)

    def event(self, name: str) -> dict[str, Any]:
        """The next of that name; output on the way is collected."""
        while True:
            kind, body = self.frame()
            if kind == DATA:
                self.output += body
                continue
            message = json_of(body)
            if message["event"] == name:
                return message

    def until(self, text: bytes) -> bytes:
        """Output up to ``text``; what comes behind it is kept for the next time."""
        while text not in self.output:
            kind, body = self.frame()
            if kind == DATA:
                self.output += body
        end = self.output.index(text) + len(text)
        seen, self.output = self.output[:end], self.output[end:]
        return seen

    def close(self) -> None:
        self.sock.close()


class Run(Line):
    """The daemon's line to a keeper, from its order on."""

    def __init__(
        self, room: Room, job: int, spec: Spec, env: dict[str, str] | None, more: dict[str, Any]
    ) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        self.room, self.job, self.mark, self.spec = room, job, os.urandom(6).hex(), spec
        self.folder = room.places.run(job, 1)
        os.mkdir(self.folder, 0o700)
        self.log = room.places.log(job, 1)
        self.lines: list[Line] = []
        order = {
            "do": "keep", "job": job, "run": 1, "mark": self.mark, "spec": plain(spec),
            "env": {"PATH": os.environ["PATH"], "PN_TESTS": os.environ["PN_TESTS"], **(env or {})}, **more,
        }  # fmt: skip
        try:
            room.send(order, theirs.fileno())
        finally:
            theirs.close()

    def began(self) -> dict[str, Any]:
        message = self.event("began")
        self.pid = message["pid"]
        return message

    @property
    def keeper(self) -> int:
        """Its pid."""
        claim, alive = claims.holder(self.folder)
        assert claim is not None
        assert alive
        return claim.pid

    def connect(self) -> Line:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.room.places.keeper(self.job, 1))
        self.lines.append(Line(sock))
        return self.lines[-1]

    def attach(self, **more: Any) -> Line:
        line = self.connect()
        line.say("attach", **{"rows": 24, "columns": 80, "write": True, "replay": False, **more})
        line.attached = line.event("attached")  # type: ignore[attr-defined]
        return line

    def ended(self) -> Outcome:
        """Its outcome as it was told, which is the one on disk."""
        outcome = to_record(Outcome, self.event("ended")["outcome"], "outcome")
        assert claims.read_outcome(self.folder) in (outcome, None)
        self._gone()
        return outcome

    def _gone(self) -> None:
        with suppress(ConnectionResetError):
            while self.sock.recv(1 << 16):
                pass

    def text(self) -> bytes:
        with open(self.log, "rb") as file:
            return file.read()

    def close(self) -> None:
        for line in self.lines:
            line.close()
        if self.sock.fileno() < 0:
            return
        claim, alive = claims.holder(self.folder)
        if claim is not None and alive:  # the test has failed in the middle
            with suppress(OSError):
                self.say("end", grace=0)
                self._gone()
        super().close()


def wait_until(true: Callable[[], object], what: str) -> None:
    """For what comes without any event."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"it did not come about: {what}"
        time.sleep(0.01)


def is_dead(pid: int) -> bool:
    return processes.state_and_parent(pid)[0] in ("", "Z")


@contextmanager
def room() -> Iterator[Room]:
    made = Room()
    try:
        yield made
    finally:
        made.close()


def _credentials(sock: socket.socket) -> tuple[int, int, int]:
    import struct

    return struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))


__all__ = [
    "PATIENCE",
    "Line",
    "Room",
    "Run",
    "is_dead",
    "recv_packet",
    "room",
    "seqpacket_pair",
    "signal",
    "wait_until",
]
