"""Which names are the leftovers of a dead run, and which must never be touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.copying import litter
from procession.copying.litter import FOREIGN_AGE, PREFIX, Run
from procession.linux import procfs


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def other_process() -> Iterator[tuple[int, int]]:
    """(pid, descriptor): a process that lives until the descriptor is closed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    yield pid, writer
    try:
        os.close(writer)
        os.waitpid(pid, 0)
    except OSError:
        return  # the test has ended it


def token_of(pid: int) -> str:
    return f"{litter._scope()}-{pid}-{litter._base36(procfs.start_time(pid))}"


def test_our_own_names_are_no_litter(folder: int) -> None:
    run = Run.of_this_process()
    assert run.name(123) == f"{PREFIX}{run.token}~123"
    assert not run.is_litter(run.name(123), folder)
    assert not Run(token_of(os.getpid())).is_litter(run.name(os.getpid()), folder)
    assert len(run.name(2**22)) < 64


def test_the_names_of_another_run_are_litter_once_it_is_dead(
    folder: int, other_process: tuple[int, int]
) -> None:
    pid, writer = other_process
    mine, name = Run.of_this_process(), Run(token_of(pid)).name(77)
    assert not mine.is_litter(name, folder)
    os.close(writer)
    os.waitpid(pid, 0)
    assert mine.is_litter(name, folder)


def test_a_pid_that_was_given_away_again_does_not_protect(
    folder: int, other_process: tuple[int, int]
) -> None:
    pid, _ = other_process
    before = f"{litter._scope()}-{pid}-{litter._base36(procfs.start_time(pid) - 1)}"
    assert Run.of_this_process().is_litter(Run(before).name(1), folder)


def test_what_an_earlier_boot_left_is_litter(folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    name = Run.of_this_process().name(5)
    monkeypatch.setattr(procfs, "boot_id", lambda: "another boot")
    assert Run.of_this_process().is_litter(name, folder)


def test_another_hosts_name_is_litter_only_after_a_day(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Shared storage: over there, the run may well be alive.
    scope = f"{int(litter._scope()[:4], 16) ^ 1:04x}beef"
    name = Run(f"{scope}-12-abc").name(5)
    (tmp_path / name).touch()
    assert not Run.of_this_process().is_litter(name, folder)
    now = os.stat(tmp_path / name).st_ctime
    monkeypatch.setattr("procession.copying.litter.time.time", lambda: now + FOREIGN_AGE + 1)
    assert Run.of_this_process().is_litter(name, folder)
    (tmp_path / name).unlink()
    assert not Run.of_this_process().is_litter(name, folder)  # gone meanwhile: somebody was at it


SCOPE = litter._scope()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "~",
        ".pn",
        ".pn~",
        ".pn~~",
        ".pn~~1",
        ".pn~notes",
        ".pn~abc-1-2~3",
        f".pn~{SCOPE}",
        f".pn~{SCOPE}-1-2",
        f".pn~{SCOPE}-1-2~",
        f".pn~{SCOPE}-1-2~x",
        f".pn~{SCOPE}-1-2~-3",
        f".pn~{SCOPE}-one-2~3",
        f".pn~{SCOPE}--2~3",
        f".pn~{SCOPE}-1-!~3",
        f".pn~{SCOPE}-1-~3",
        f".pn~{SCOPE}-1-2-3~4",
        f"pn~{SCOPE}-1-2~3",
        f".PN~{SCOPE}-1-2~3",
        f" .pn~{SCOPE}-1-2~3",
    ],
)
def test_names_that_only_look_similar_stay(name: str, folder: int) -> None:
    assert not Run.of_this_process().is_litter(name, folder)


@given(st.text(), st.booleans())
def test_no_other_name_is_ever_litter(text: str, prefixed: bool) -> None:
    name = PREFIX + text if prefixed else text
    if not Run.of_this_process().is_litter(name, -1):
        return
    parts = name[len(PREFIX) :].replace("~", "-").split("-")
    assert name.startswith(PREFIX)
    assert len(parts) == 4
    assert parts[1].isdecimal()
    assert parts[3].isdecimal()


@given(st.integers(0, 2**80))
def test_numbers_survive_base_36(number: int) -> None:
    assert int(litter._base36(number), 36) == number
