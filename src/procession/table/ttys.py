"""Names of controlling terminals: from the device number in stat to pts/3 or tty1."""

from __future__ import annotations

import os

_names: dict[int, str] = {0: ""}

_PTS = range(136, 144)  # Documentation/admin-guide/devices.txt: Unix98 pseudo-terminals, 256 to each
_TTY = 4


def tty_name(number: int) -> str:
    """Without /dev/; "" for none; "?" where nobody knows the device."""
    name = _names.get(number)
    if name is None:
        name = _names[number] = _found(number)
    return name


def tty_number(word: str) -> int | None:
    """The device of a terminal, given as pts/3, tty1, 3 (for pts/3 or tty3) or /dev/...; None if there is none."""
    for path in (word, f"/dev/{word}", f"/dev/tty{word}", f"/dev/pts/{word}"):
        if path.startswith("/"):
            try:
                found = os.stat(path)
            except OSError:
                continue
            if found.st_rdev:
                return _kernel_number(found.st_rdev)
    return None


def major_minor(number: int) -> tuple[int, int]:
    """Of a tty_nr: minor in bits 31 to 20 and 7 to 0, major in bits 15 to 8 (proc_pid_stat(5))."""
    return number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00


def _kernel_number(device: int) -> int:
    major, minor = os.major(device), os.minor(device)
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


def _found(number: int) -> str:
    major, minor = major_minor(number)
    if major in _PTS:
        return f"pts/{(major - _PTS.start) * 256 + minor}"
    if major == _TTY:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    for path in _candidates(major, minor):
        try:
            device = os.stat(path).st_rdev
        except OSError:
            continue
        if (os.major(device), os.minor(device)) == (major, minor):
            return path.removeprefix("/dev/")
    return "?"


def _candidates(major: int, minor: int) -> list[str]:
    """Where /proc/tty/drivers says that devices of this kind stand."""
    try:
        with open("/proc/tty/drivers", encoding="ascii", errors="replace") as file:
            rows = [line.split() for line in file]
    except OSError:
        return []
    found = []
    for row in rows:
        if len(row) >= 4 and row[2] == str(major):
            first, _, last = row[3].partition("-")
            if int(first) <= minor <= int(last or first):
                found += [row[1], f"{row[1]}{minor}", f"{row[1]}{minor - int(first)}", f"{row[1]}/{minor}"]
    return found
