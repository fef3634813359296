"""/proc/locks: who has which lock on which file, and who waits for it (proc_locks(5))."""

from __future__ import annotations

from procession.records import record


@record
class FileLock:
    """One line.  ``number``: a lock and those that wait for it have the same one.  ``kind``: POSIX (fcntl), FLOCK,
    OFDLCK, LEASE, DELEG.  ``pid``: who asked for it, which for flock(2) need not be who has the file open
    now; -1 of OFD locks; 0 of another pid namespace.  ``file``: (major, minor, inode); of btrfs and some others the
    device is not that of stat(2).  ``start``, ``end``: bytes, end -1 for the end of the file.
    """

    number: int
    waits: bool
    kind: str
    access: str  # READ, WRITE
    pid: int
    file: tuple[int, int, int]
    start: int
    end: int


def read_locks(path: str = "/proc/locks") -> list[FileLock]:
    """All of now; [] where there is no such file."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found = (parse_lock(line) for line in lines)
    return [each for each in found if each is not None]


def parse_lock(line: str) -> FileLock | None:
    """``1: -> POSIX  ADVISORY  WRITE 4711 fe:00:2285882 0 EOF``; None for what is not such a line."""
    words = line.split()
    try:
        number = int(words[0].rstrip(":"))
        waits = words[1] == "->"
        kind, _, access, pid, file, start, end = words[2 if waits else 1 :][:7]
        major, minor, inode = file.split(":")
        place = int(major, 16), int(minor, 16), int(inode)
        return FileLock(
            number, waits, kind, access, int(pid), place, int(start), -1 if end == "EOF" else int(end)
        )
    except (ValueError, IndexError):
        return None
