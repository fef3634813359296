"""Numbers of system calls against the kernel's own headers, where these are installed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from procession.linux import syscalls_table
from procession.linux.syscalls_table import MEANINGS, syscall_name

HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}


def header(machine: str) -> dict[str, int]:
    for path in HEADERS[machine]:
        if os.path.exists(path):
            text = Path(path).read_text(encoding="utf-8")
            found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b", text)
            return {name: int(number) for name, number in found}
    return pytest.skip(f"no kernel headers for {machine} (linux-libc-dev)")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    theirs = header(machine)
    other_names = {"newfstatat": "fstatat"} if machine == "aarch64" else {}
    for name, number in syscalls_table._TABLES[machine].items():
        assert theirs[other_names.get(name, name)] == number, name


def test_the_newer_ones_are_the_same_everywhere() -> None:
    theirs = {**header("aarch64"), **header("x86_64")}
    for name, number in syscalls_table._COMMON.items():
        assert theirs.get(name, number) == number, name


def test_names_and_meanings() -> None:
    assert syscall_name(435) == "clone3"
    assert syscall_name(99999) == "system call 99999"
    known = {*syscalls_table._X86_64, *syscalls_table._ARM64, *syscalls_table._COMMON}
    assert set(MEANINGS) - known == set()
