"""Columns: the index of their files, and cells of processes that are written down here."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.cells import cells, cut
from procession.linux.cputimes import read_kernel_stat
from procession.linux.procfs import boot_time
from procession.table import columns, files
from procession.table.columns import column, names
from procession.table.columns.base import View
from procession.table.columns.printable import printable
from procession.table.columns.systemd import Place, path_of
from procession.table.record import ProcessRecord
from procession.table.snapshot import Snapshot
from procession.table.source import Source

FILES = {info.name for info in pkgutil.iter_modules(columns.__path__)} - {"base", "printable"}


def made(
    state: str = "S", *, pid: int = 500, tid: int | None = None, comm: bytes = b"prog", view: dict[str, Any] | None = None,
    kept: dict[str, bytes] | None = None, **fields: int,
) -> tuple[ProcessRecord, View]:  # fmt: skip
    """A record whose stat line has these numbers in the given places, and a view of it."""
    stat = [state, *["0"] * 49]
    for place, value in {
        "f1": 1,
        "f2": 500,
        "f3": 400,
        "f5": -1,
        "f17": 1,
        "f19": 1000,
        "f20": 4096,
        **fields,
    }.items():
        stat[int(place[1:])] = str(value)
    source = Source()
    line = b"%d (%s) %s\n" % (tid or pid, comm, " ".join(stat).encode())
    record = ProcessRecord(source, pid, tid or pid, line, 0)
    record.keep(files.STATUS, b"Name:\tprog\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nVmLck:\t       0 kB\n")
    for name, data in (kept or {}).items():
        record.keep(name, data)
    return record, View(Snapshot([record], source, 1000.0, 1000.0), **(view or {}))


def cell(name: str, record: ProcessRecord, view: View) -> str:
    found = column(name)
    assert found is not None
    return found.text(view)(record)


@pytest.mark.parametrize("file", sorted(FILES))
def test_the_index_has_what_is_in_the_file(file: str) -> None:
    module = importlib.import_module(f"procession.table.columns.{file}")
    assert columns.FILES[file].split() == [each.name for each in module.COLUMNS]


def test_the_index_has_every_file_and_no_name_twice() -> None:
    assert set(columns.FILES) == FILES
    assert len(names()) == len(set(names()))


@pytest.mark.parametrize("name", names())
def test_every_column_answers_for_a_process_that_is_gone(name: str) -> None:
    """Nothing can be read of it, since no process has this pid."""
    record, view = made(pid=2**22 + 5)
    found = column(name)
    assert found is not None
    assert isinstance(found.text(view)(record), str)
    found.value(view)(record)
    found.key(view)(record)


@pytest.mark.parametrize(
    ("fields", "state", "expected"),
    [
        ({}, "S", "S"),
        ({"f16": -5}, "S", "S<"),
        ({"f16": 5}, "R", "RN"),
        ({"f3": 500}, "S", "Ss"),
        ({"f17": 4}, "D", "Dl"),
        ({"f2": 500, "f5": 500}, "T", "T+"),
        ({"f16": -1, "f3": 500, "f17": 2, "f5": 500}, "S", "S<sl+"),
    ],
)
def test_state_letters(fields: dict[str, Any], state: str, expected: str) -> None:
    assert cell("stat", *made(state, **fields)) == expected


def test_state_letter_of_locked_memory() -> None:
    record, view = made(kept={files.STATUS: b"Name:\tx\nVmLck:\t     12 kB\n"})
    assert cell("stat", record, view) == "SL"


@pytest.mark.parametrize(
    ("ticks", "time", "bsdtime", "times"),
    [
        (0, "00:00:00", "  0:00", "0"),
        (6199, "00:01:01", "  1:01", "61"),
        (360000 * 25, "1-01:00:00", "1500:00", "90000"),
    ],
)
def test_cpu_times(ticks: int, time: str, bsdtime: str, times: str) -> None:
    record, view = made(f11=ticks)
    assert [cell(name, record, view) for name in ("time", "bsdtime", "times")] == [time, bsdtime, times]


def test_cpu_share_over_the_life_of_the_process() -> None:
    """It began 10 s after boot, 990 s ago."""
    record, view = made(f11=49500, f12=0)
    assert [cell(name, record, view) for name in ("pcpu", "c", "cp", "cuu")] == [
        "50.0",
        "50",
        "500",
        "50.000",
    ]
    record, view = made(f11=990000, f17=12)
    assert [cell(name, record, view) for name in ("pcpu", "c", "cp", "cuu")] == [
        "1000",
        "99",
        "999",
        "99.999",
    ]


def test_cpu_share_of_what_has_only_begun() -> None:
    record, view = made(f11=5, f19=100000)
    assert cell("pcpu", record, view) == "0.0"


def test_with_the_children_that_have_ended() -> None:
    record, view = made(f11=100, f13=49400, f7=3, f8=4, view={"with_children": True})
    assert cell("pcpu", record, view) == "50.0"
    assert cell("minflt", record, view) == "7"
    assert cell("time", record, view) == "00:00:01"


def test_the_boot_time_is_the_kernels_own() -> None:
    assert boot_time() == read_kernel_stat().boot_time


def test_elapsed_time() -> None:
    assert cell("etime", *made(f19=1000)) == "16:30"
    assert cell("etime", *made(f19=99999)) == "00:00"
    record, _ = made(f19=0)
    view = View(Snapshot([record], Source(), 90061.0, 90061.0))
    assert cell("etime", record, view) == "1-01:01:01"


def test_users_by_name_and_by_number() -> None:
    record, view = made(kept={files.STATUS: b"Name:\tx\nUid:\t1\t0\t3\t4\nGid:\t5\t0\t7\t8\n"})
    assert cell("user", record, view) == "root"
    assert [cell(name, record, view) for name in ("ruid", "euid", "suid", "fuid")] == ["1", "0", "3", "4"]
    assert [cell(name, record, view) for name in ("rgid", "egid", "sgid", "fgid")] == ["5", "0", "7", "8"]
    numeric = View(view.snapshot, numeric=True)
    assert cell("user", record, numeric) == "0"


def test_a_command_without_arguments_is_its_name_in_brackets() -> None:
    assert cell("args", *made(kept={files.CMDLINE: b""})) == "[prog]"
    assert cell("args", *made("Z", kept={files.CMDLINE: b""})) == "[prog] <defunct>"
    assert cell("args", *made(kept={files.CMDLINE: b"\0\0"})) == "?"
    assert cell("args", *made(kept={files.CMDLINE: b"a\0\0b\0\0\0"})) == "a  b"
    assert cell("comm", *made(view={"full": True}, kept={files.CMDLINE: b"a\0b\0"})) == "a b"
    assert cell("args", *made(view={"true_name": True}, kept={files.CMDLINE: b"a\0b\0"})) == "prog"


def test_environment_behind_the_arguments() -> None:
    kept = {files.CMDLINE: b"a\0", files.ENVIRON: b"X=1\0Y=\n\0"}
    assert cell("args", *made(view={"environment": True}, kept=kept)) == "a X=1 Y= "
    assert cell("args", *made(view={"environment": True}, kept={**kept, files.ENVIRON: b""})) == "a"


def test_pending_signals_are_those_of_the_process_and_in_a_thread_its_own() -> None:
    status = b"Name:\tx\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\n"
    assert cell("sig", *made(kept={files.STATUS: status})).endswith("2")
    assert cell("sig", *made(tid=501, kept={files.STATUS: status})).endswith("1")


def test_sizes_for_people() -> None:
    record, view = made(f20=52 * 10**6, view={"human": True})
    assert cell("vsz", record, view) == "52MB"
    assert cell("vsz", record, View(view.snapshot)) == str(52 * 10**6 // 1024)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", "plain"),
        (b"a\nb\x1b[31m\x7f", "a?b?[31m?"),
        ("é中".encode(), "é中"),
        (b"\xff\x1b\x7f", "?.."),  # from the first byte that begins nothing, as in another locale
        (b"cut off \xe4\xb8", "cut off ??"),
        ("\u0085\u2028\u00a0".encode(), "??\u00a0"),
    ],
)
def test_what_is_printable(data: bytes, expected: str) -> None:
    assert printable(data) == expected


def test_what_is_printable_elsewhere() -> None:
    assert printable("a\x1bé".encode(), utf8=False) == "a.??"


@given(st.binary(max_size=40), st.booleans())
def test_nothing_that_moves_the_cursor_is_ever_printed(data: bytes, utf8: bool) -> None:
    text = printable(data, utf8)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text)


@given(st.text(max_size=30), st.integers(0, 30))
def test_cut_fits_and_is_a_beginning(text: str, room: int) -> None:
    found = cut(text, room)
    assert cells(found) <= room
    assert text.startswith(found)


@pytest.mark.parametrize(
    ("path", "unit", "slice_", "others"),
    [
        ("/", None, "-.slice", (None, None, None)),
        ("/init.scope", "init.scope", "-.slice", (None, None, None)),
        ("/system.slice/cron.service", "cron.service", "system.slice", (None, None, None)),
        ("/user.slice/user-9.slice/session-3.scope", "session-3.scope", "user-9.slice", ("3", "9", None)),
        (
            "/user.slice/user-9.slice/user@9.service/app.slice/x.service",
            "user@9.service",
            "user-9.slice",
            (None, "9", "x.service"),
        ),
    ],
)
def test_places_of_systemd(path: str, unit: str | None, slice_: str, others: tuple[str | None, ...]) -> None:
    place = Place(path)
    assert (place.unit, place.slice) == (unit, slice_)
    assert (place.session, place.owner, place.user_unit) == others


def test_the_path_in_systemds_hierarchy() -> None:
    assert path_of(b"3:cpu:/a\n1:name=systemd:/b\n0::/c\n") == "/b"
    assert path_of(b"3:cpu:/a\n0::/c\n") == "/c"
    assert path_of(b"") is None


def test_files_are_small() -> None:
    for path in Path(columns.__path__[0]).glob("*.py"):
        assert len(path.read_text().splitlines()) <= 250, path.name
