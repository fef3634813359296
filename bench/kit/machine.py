"""What the figures were measured on: processor, memory, kernel, and the file system of a folder."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.kit.units import size


@dataclass(frozen=True)
class Machine:
    """The machine, as far as it explains a figure."""

    cpu: str
    cores: int
    memory: int
    kernel: str
    python: str

    def describe(self) -> str:
        """One line for the head of a section."""
        return (
            f"{self.cpu}, {self.cores} cores usable, {size(self.memory)} of memory, "
            f"Linux {self.kernel}, CPython {self.python}"
        )


@dataclass(frozen=True)
class FileSystem:
    """Where a folder lives."""

    kind: str
    device: str

    @property
    def loop(self) -> bool:
        """True on a loop device: its backing file decides the speed."""
        return self.device.startswith("/dev/loop")

    def describe(self) -> str:
        """``ext4 on a loop device``, ``tmpfs``."""
        return f"{self.kind} on a loop device" if self.loop else self.kind


def machine() -> Machine:
    """Ask this machine."""
    return Machine(
        cpu=cpu_model(Path("/proc/cpuinfo").read_text()) or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
        python=platform.python_version(),
    )


def cpu_model(cpuinfo: str) -> str:
    """The first ``model name`` in the text of /proc/cpuinfo; empty where there is none (arm64)."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return " ".join(value.split())
    return ""


def file_system(folder: Path) -> FileSystem:
    """The file system of ``folder``, by its device number in /proc/self/mountinfo."""
    device = folder.stat().st_dev
    return find_mount(Path("/proc/self/mountinfo").read_text(), f"{os.major(device)}:{os.minor(device)}")


def find_mount(mountinfo: str, number: str) -> FileSystem:
    """Look ``major:minor`` up in the text of mountinfo (a later line is mounted over an earlier one)."""
    found = FileSystem("unknown", "")
    for line in mountinfo.splitlines():
        head, _, tail = line.partition(" - ")
        if head.split()[2:3] == [number]:
            kind, device = tail.split()[:2]
            found = FileSystem(kind, device)
    return found


def today() -> str:
    """The date here, as it stands at the head of a section."""
    return datetime.now().astimezone().date().isoformat()


def available_memory() -> int:
    """Bytes that could be taken now without pushing anybody out (MemAvailable)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
