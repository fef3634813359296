"""What a thread is doing in the kernel: /proc/PID/task/TID/syscall (proc_pid_syscall(5)), and its memory.

Both need the right to trace the process (ptrace(2)): our own processes, or all as root.
"""

from __future__ import annotations

import os
import struct
import sys

from procession.errors import NotPermitted
from procession.records import record
from procession.table import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.source import Source

_LONG = struct.calcsize("l") * 8


@record
class Call:
    """A system call that has not returned.  ``meaning``: see ``linux.syscalls_table.MEANINGS``; "" for others."""

    name: str
    meaning: str
    arguments: tuple[int, ...]

    def fd(self, at: int = 0) -> int:
        """An argument as a descriptor: the lower 32 bits, signed."""
        return signed(self.arguments[at])


RUNNING = Call("", "running", ())
REFUSED = Call("", "refused", ())
OUTSIDE = Call(
    "", "outside", ()
)  # asleep, and in no system call that is known: a page fault, or on its way out
FOREIGN = Call("", "foreign", ())  # a 32-bit program, whose numbers mean others


def current_call(source: Source, pid: int, tid: int) -> Call | None:
    """The call that a thread is in, or one of the above; None when it is gone."""
    try:
        text = source.read_now(f"{pid}/task/{tid}", files.SYSCALL)
    except NotPermitted:
        return REFUSED
    except OSError:
        return (
            OUTSIDE if os.path.isdir(f"/proc/{pid}/task/{tid}") else None
        )  # a kernel without that file, or gone
    words = text.split()
    if not words or words[0] == b"running":
        return RUNNING
    if int(words[0]) < 0:
        return OUTSIDE
    if _is_32_bit(source, pid):
        return FOREIGN
    from procession.linux.syscalls_table import MEANINGS, syscall_name

    name = syscall_name(int(words[0]))
    return Call(name, MEANINGS.get(name, ""), tuple(int(word, 16) for word in words[1:7]))


def signed(word: int, bits: int = 32) -> int:
    """The lower bits of a register as a C int."""
    word &= (1 << bits) - 1
    return word - (1 << bits) if word >> (bits - 1) else word


def read_memory(source: Source, pid: int, address: int, size: int) -> bytes:
    """Bytes of its address space; fewer, or b"", where it has none there or is not ours."""
    if not 0 < address < 1 << 63:
        return b""
    try:
        fd = os.open(f"{pid}/mem", os.O_RDONLY | os.O_CLOEXEC, dir_fd=source.fd)
    except OSError:
        return b""
    try:
        return os.pread(fd, size, address)
    except (OSError, OverflowError):
        return b""
    finally:
        os.close(fd)


def read_text(source: Source, pid: int, address: int, limit: int = 4096) -> bytes:
    """Up to a zero byte."""
    # In two steps at most: the string may end just before a page that is not there.
    first = read_memory(source, pid, address, 4096 - address % 4096)
    if b"\0" not in first:
        first += read_memory(source, pid, address + len(first), limit)
    return first.partition(b"\0")[0][:limit]


def read_timespec(source: Source, pid: int, address: int) -> float | None:
    """A struct timespec in seconds; None for a null pointer."""
    data = read_memory(source, pid, address, 16)
    if len(data) < 16:
        return None
    whole, nano = struct.unpack("=qq", data)
    return float(whole + nano / 1e9)


def mapping_at(source: Source, pid: int, address: int) -> tuple[str, bool] | None:
    """The name of the mapping that an address lies in ("" when it has none), and whether it is shared."""
    try:
        lines = source.read_now(str(pid), "maps").split(b"\n")
    except OSError:
        return None
    for line in lines:
        words = line.split(None, 5)
        if len(words) < 5:
            continue
        first, _, last = words[0].partition(b"-")
        if int(first, 16) <= address < int(last, 16):
            return os.fsdecode(words[5]) if len(words) > 5 else "", b"s" in words[1]
    return None


def _is_32_bit(source: Source, pid: int) -> bool:
    """By its auxiliary vector (proc_pid_auxv(5)): the first word is a small key, and with words of 32 bits the value
    behind it is read into the upper half.  The program's file would tell too, and might hang (a dead server)."""
    try:
        data = source.read_now(str(pid), "auxv")
    except OSError:
        return False
    return _LONG == 64 and len(data) >= 8 and int.from_bytes(data[:8], sys.byteorder) >= 1 << 32
