"""Which file system, on which device, a process in state D asks: by its mount table, never by asking the file."""

from __future__ import annotations

import os

from procession.records import record
from procession.table.board.formats import printable
from procession.table.descriptors import read_info

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord
    from procession.table.source import Source
    from procession.table.waits import Wait

_ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


@record
class Mount:
    """A line of mountinfo (proc_pid_mountinfo(5))."""

    number: int
    folder: str
    kind: str
    device: str

    def __str__(self) -> str:
        return f"{printable(self.folder)} ({self.kind} on {printable(self.device)})"


def parse_mounts(data: bytes) -> list[Mount]:
    """All lines, in the order of mounting: what was mounted later hides what was there before."""
    found = []
    for line in os.fsdecode(data).split("\n"):
        left, dash, right = line.partition(" - ")
        words, behind = left.split(" "), right.split(" ")
        if dash and len(words) > 4 and len(behind) > 1:
            found.append(Mount(int(words[0]), _plain(words[4]), behind[0], _plain(behind[1])))
    return found


def mount_of_path(mounts: list[Mount], path: str) -> Mount | None:
    """The last of those with the longest folder above an absolute path."""
    fitting = [
        each for each in mounts if path == each.folder or path.startswith(each.folder.rstrip("/") + "/")
    ]
    return max(reversed(fitting), key=lambda each: len(each.folder), default=None)


def place_of(source: Source, process: ProcessRecord, wait: Wait | None) -> str:
    """The mount behind the descriptor or path that its call names; "" where that cannot be told."""
    try:
        mounts = parse_mounts(source.read_now(str(process.pid), "mountinfo"))
    except OSError:
        return ""
    found: Mount | None = None
    if wait is not None and wait.fd >= 0:
        number = read_info(source, process.pid, wait.fd).get("mnt_id", "")
        found = next((each for each in mounts if str(each.number) == number), None)
    elif wait is not None and wait.kind == "file" and wait.what.startswith("file /"):
        found = mount_of_path(mounts, wait.what.removeprefix("file "))
    return str(found) if found is not None else ""


def _plain(word: str) -> str:
    for code, character in _ESCAPES:
        word = word.replace(code, character)
    return word
