"""The limits of one run: by control groups where we may make some, otherwise by watching; and how, in words."""

from __future__ import annotations

from procession.linux.cgroup_limits import (
    Group,
    enter,
    kill_all,
    limit_cpu,
    limit_memory,
    oom_kills,
    peak_memory,
    remove,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.keeper_order import Order

_FAILED = {b"m": "memory", b"c": "cpu"}  # what the child tells when it could not enter


class Limits:
    """Made by the keeper before its command begins.  ``watched``: bytes, where we must look ourselves; None: no need."""

    def __init__(self, order: Order) -> None:
        spec = order.spec
        name = group_name(order.job, order.run, order.mark)
        self.spec = spec
        self.memory = limit_memory(name, spec.memory) if spec.memory is not None else None
        self.cpu = limit_cpu(name, spec.cpu) if spec.cpu is not None else None
        self._settle()

    def enter(self) -> bytes:
        """In the child: into the groups; a letter for each that could not be entered."""
        failed = b""
        for letter, group in ((b"m", self.memory), (b"c", self.cpu)):
            if group is not None:
                try:
                    enter(group)
                except OSError:
                    failed += letter
        return failed

    def failed(self, letters: bytes) -> None:
        """What the child told."""
        for letter in (letters[at : at + 1] for at in range(len(letters))):
            kind = _FAILED.get(letter)
            group: Group | None = getattr(self, kind) if kind else None
            if kind and group is not None:
                setattr(self, kind, None)
                if group not in (self.memory, self.cpu):
                    remove(group)
        self._settle()

    def _settle(self) -> None:
        self.watched = self.spec.memory if self.memory is None else None

    @property
    def level(self) -> str:
        """How the limits are kept, in words; "" if there are none."""
        words = []
        if self.spec.memory is not None:
            words.append(
                "memory: "
                + (self.memory.words if self.memory else "looked at every second (no cgroup may be made)")
            )
        if self.spec.cpu is not None:
            words.append("cpu: " + (self.cpu.words if self.cpu else "not limited (no cgroup may be made)"))
        if self.spec.files is not None:
            words.append("files: each process (RLIMIT_NOFILE)")
        return ", ".join(words)

    def was_exceeded(self) -> bool:
        """Has the kernel killed one of them for the memory?"""
        return self.memory is not None and oom_kills(self.memory) > 0

    def peak(self) -> int | None:
        """Bytes; None: not counted."""
        return peak_memory(self.memory) if self.memory else None

    def kill(self) -> None:
        """SIGKILL to all at once, where there is such a thing."""
        for group in (self.memory, self.cpu):
            if group is not None:
                kill_all(group)

    def remove(self) -> None:
        """The groups go; one that is not empty stays for the sweeper."""
        for group in (self.memory, self.cpu):
            if group is not None:
                remove(group)


def group_name(job: int, run: int, mark: str) -> str:
    """Of its control groups."""
    return f"pn-{job}.{run}-{mark}"
