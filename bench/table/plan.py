"""What is measured, and the names of who does it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

PSUTIL, OURS, AGAIN = "psutil", "procession", "procession, followed"
REAL = "procession, the real user"
FIELDS = (
    "pid", "ppid", "name", "status", "username", "terminal", "nice", "num_threads", "create_time", "cpu_times",
    "memory_info", "cmdline",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """``sizes``: processes of the snapshots; ``listed``: of ps; ``watched``: of top, for so many ``seconds``."""

    rounds: int
    sizes: tuple[int, ...]
    listed: int
    watched: int
    seconds: float

    def words(self) -> dict[str, Any]:
        return asdict(self)
