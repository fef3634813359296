"""A look at the jobs by who is not about jobs: it never starts a daemon, never waits long, and an error is no answer."""

from __future__ import annotations

import os

from procession.errors import JobsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATIENCE = 0.5  # seconds: a daemon that is busy or stopped must not hold up a list of processes


def peek(do: str, **fields: object) -> dict[str, Any] | None:
    """The daemon's answer, if there is a daemon and it answers soon; None otherwise."""
    from procession.jobs.places import places

    try:
        path = places().socket
    except JobsError:
        return None
    if not os.path.exists(path):  # no jobs, no cost
        return None
    import socket

    from procession.jobs.wire import json_frame

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_PATIENCE)
        try:
            line.connect(path)
            line.sendall(json_frame({"id": 1, "do": do, **fields}))
            return _answer(line)
        except (OSError, ValueError):  # TimeoutError; Malformed
            return None


def _answer(line: Any) -> dict[str, Any] | None:
    from procession.jobs.wire import JSON, Frames, json_of

    frames = Frames()
    while piece := line.recv(1 << 16):
        for kind, body in frames.feed(piece):
            if kind == JSON:
                answer = json_of(body)
                return None if "error" in answer else answer
    return None
