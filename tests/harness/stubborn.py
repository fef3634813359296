"""A client of the jobs' daemon that does not give up: its requests are repeated until a daemon has answered them.

Written against the wire (docs/decisions/0013-jobs.md), so that it tests the daemon and not our own client.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from procession.jobs.places import Places
from procession.jobs.start import connected
from procession.jobs.wire import JSON, Frames, json_frame, json_of


class Refused(Exception):
    """An answer that says no."""


class Stubborn:
    """``patience``: seconds that one request may take in all."""

    def __init__(self, places: Places, patience: float = 50.0) -> None:
        self._places = places
        self._patience = patience
        self._sock: socket.socket | None = None
        self._frames = Frames()
        self._id = 0
        self.lost = 0  # connections that broke under a request

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Ask until there is an answer."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return self._once({"do": do, **more})
            except (OSError, EOFError) as error:
                self.close()
                self.lost += 1
                if time.monotonic() > until:
                    raise TimeoutError(f"no answer to {do!r}: {error!r}") from error
                time.sleep(0.005)  # nobody tells when the next daemon listens

    def submit(self, spec: dict[str, Any], env: dict[str, str]) -> int:
        """Hand a job in, once however often it is asked for."""
        job: int = self.ask("submit", spec=spec, env=env, token=os.urandom(8).hex())["job"]["id"]
        return job

    def _once(self, message: dict[str, Any]) -> dict[str, Any]:
        sock = self._connected()
        self._id += 1
        sock.sendall(json_frame({"id": self._id, **message}))
        while True:
            piece = sock.recv(1 << 16)
            if not piece:
                raise EOFError("the daemon has gone")
            for kind, body in self._frames.feed(piece):
                answer = json_of(body) if kind == JSON else {}
                if answer.get("id") == self._id:
                    if "error" in answer:
                        raise Refused(answer["error"])
                    return answer

    def _connected(self) -> socket.socket:
        if self._sock is None:
            sock = socket.socket(fileno=connected(self._places).detach())
            sock.settimeout(self._patience)
            self._sock, self._frames = sock, Frames()
        return self._sock

    def close(self) -> None:
        """Hang up."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
