"""When is a job ready?  ``log:TEXT``: it has printed that; ``port:N``: one of its tree listens there; ``file:PATH``."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.keeper_tree import Tree

EVERY = 0.1  # seconds between two looks for a port or a file
_LISTENS = b"0A"  # TCP_LISTEN, include/net/tcp_states.h


class Condition:
    """``looks``: must somebody look, or does it come with the output?"""

    def __init__(self, words: str, cwd: str) -> None:
        self.kind, _, rest = words.partition(":")
        self._cwd, self._what = cwd, rest
        self._text = os.fsencode(rest)
        self._tail = b""
        self.looks = self.kind in ("port", "file")

    def printed(self, data: bytes) -> bool:
        """Is the text there now?  It may be split between two pieces."""
        if self.kind != "log":
            return False
        data = self._tail + data
        self._tail = data[-(len(self._text) - 1) :] if len(self._text) > 1 else b""
        return self._text in data

    def is_there(self, pid: int, tree: Tree) -> bool:
        """Look for the file or the port; ``pid``: the command, in whose network and below whose root it lies."""
        if self.kind == "file":
            return os.path.exists(os.path.join(self._cwd, self._what))
        inodes = _listening(pid, int(self._what)) if self._what.isdigit() else set()
        return bool(inodes) and any(_holds(each, inodes) for each, _ in tree.look())


def _listening(pid: int, port: int) -> set[str]:
    """The inodes of the sockets that listen on a TCP port (proc_pid_net(5))."""
    found = set()
    suffix = b":%04X" % port
    for name in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{name}", "rb") as file:
                lines = file.read().split(b"\n")[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if len(words) > 9 and words[3] == _LISTENS and words[1].endswith(suffix):
                found.add(f"socket:[{words[9].decode()}]")
    return found


def _holds(pid: int, inodes: set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        for name in os.listdir(folder):
            try:
                if os.readlink(f"{folder}/{name}") in inodes:
                    return True
            except OSError:
                continue
    except OSError:
        pass
    return False
