"""Control groups of our own: made below one that lets us, with limits, entered, read, and taken away again.

cgroups(7); Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst, scheduler/sched-bwc.rst.  v2: below the nearest
group above us that is ours to write and hands the controller down (a user's manager of systemd is given such a one).
v1: below our own group of that controller, which needs root as a rule.
"""

from __future__ import annotations

import os

from procession.linux.cgroups import MOUNTS, groups_above, read_text
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PERIOD = 100_000  # microseconds
_CPU_LEAST = 1_000  # microseconds a period: the kernel takes no less
_OWN = "/proc/self/cgroup"


@record
class Group:
    """One that we have made: its folder, and of which hierarchy."""

    folder: str
    v2: bool

    @property
    def words(self) -> str:
        return "cgroup v2" if self.v2 else "cgroup v1"


def limit_memory(name: str, size: int) -> Group | None:
    """A group called ``name`` whose processes have ``size`` bytes together, swap included; None where that cannot be."""
    for group, is_new in _made("memory", name):
        pairs = (
            (("memory.max", size), ("memory.swap.max", 0))
            if group.v2
            else (("memory.limit_in_bytes", size), ("memory.memsw.limit_in_bytes", size))
        )
        if _write(group, *pairs[0]):
            _write(group, *pairs[1])  # a kernel without accounting of swap lacks it
            return group
        if is_new:  # and not, in v2, the one that has the other limit already
            remove(group)
    return None


def limit_cpu(name: str, cores: float) -> Group | None:
    """A group called ``name`` whose processes have so many cores' worth of time; None where that cannot be."""
    quota = max(int(cores * _PERIOD), _CPU_LEAST)
    for group, is_new in _made("cpu", name):
        if group.v2:
            done = _write(group, "cpu.max", f"{quota} {_PERIOD}")
        else:
            done = _write(group, "cpu.cfs_period_us", _PERIOD) and _write(group, "cpu.cfs_quota_us", quota)
        if done:
            return group
        if is_new:  # and not, in v2, the one that has the other limit already
            remove(group)
    return None


def enter(group: Group) -> None:
    """Put this process into it.  Raises OSError."""
    fd = os.open(f"{group.folder}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"0")
    finally:
        os.close(fd)


def oom_kills(group: Group) -> int:
    """How many of its processes the kernel has killed for its memory limit (v1: since Linux 4.13)."""
    return _field(group, "memory.events" if group.v2 else "memory.oom_control", b"oom_kill")


def peak_memory(group: Group) -> int | None:
    """The most bytes that it ever had (v2: since Linux 5.19); None: not told."""
    text = read_text(f"{group.folder}/{'memory.peak' if group.v2 else 'memory.max_usage_in_bytes'}").strip()
    return int(text) if text.isdigit() else None


def members(group: Group) -> list[int]:
    """The pids in it."""
    return [int(word) for word in read_text(f"{group.folder}/cgroup.procs").split()]


def kill_all(group: Group) -> bool:
    """SIGKILL to all that are in it, at once (cgroup.kill, v2 since Linux 5.14); False: there is no such thing."""
    return group.v2 and _write(group, "cgroup.kill", 1)


def remove(group: Group) -> bool:
    """Take it away: True; False while a process is in it."""
    try:
        os.rmdir(group.folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def left_behind(suffix: str) -> list[Group]:
    """Groups whose names end so, where we would make some."""
    found = {}
    for controller in ("memory", "cpu"):
        for parent, v2 in _parents(controller):
            try:
                names = os.listdir(parent)
            except OSError:
                continue
            found.update({f"{parent}/{n}": Group(f"{parent}/{n}", v2) for n in names if n.endswith(suffix)})
    return list(found.values())


def _made(controller: str, name: str) -> Iterator[tuple[Group, bool]]:
    """Groups of that name, the nearest first, and whether each is new."""
    for parent, v2 in _parents(controller):
        if v2 and not _hands_down(parent, controller):
            continue
        folder, is_new = f"{parent}/{name}", True
        try:
            os.mkdir(folder, 0o755)
        except FileExistsError:  # ours, for the other controller: in v2 both have one group
            is_new = False
        except OSError:
            continue
        yield Group(folder, v2), is_new


def _parents(controller: str) -> Iterator[tuple[str, bool]]:
    for _, folder, v2 in groups_above(read_text(_OWN), controller, MOUNTS):
        if os.access(folder, os.W_OK) and os.access(f"{folder}/cgroup.procs", os.W_OK):
            yield folder, v2


def _hands_down(parent: str, controller: str) -> bool:
    path, word = f"{parent}/cgroup.subtree_control", controller.encode()
    if word in read_text(path).split():
        return True
    if word not in read_text(f"{parent}/cgroup.controllers").split():
        return False
    return _write(Group(parent, v2=True), "cgroup.subtree_control", f"+{controller}")


def _write(group: Group, name: str, value: object) -> bool:
    try:
        fd = os.open(f"{group.folder}/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, str(value).encode())
        finally:
            os.close(fd)
    except OSError:
        return False
    return True


def _field(group: Group, name: str, key: bytes) -> int:
    for line in read_text(f"{group.folder}/{name}").split(b"\n"):
        words = line.split()
        if len(words) == 2 and words[0] == key:
            return int(words[1])
    return 0
