"""/proc/meminfo: proc_meminfo(5)."""

from __future__ import annotations


def read_meminfo() -> dict[str, int]:
    """Bytes by the kernel's names (MemTotal, MemAvailable, ...); those without a unit are plain counts."""
    with open("/proc/meminfo", "rb") as file:
        return parse_meminfo(file.read())


def parse_meminfo(data: bytes) -> dict[str, int]:
    """The same, from its text."""
    found: dict[str, int] = {}
    for line in data.decode("ascii", "replace").splitlines():
        name, colon, rest = line.partition(":")
        words = rest.split()
        if colon and words and words[0].isdecimal():
            found[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found
