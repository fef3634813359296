"""Selecting, sorting, trees, rows: plain functions of records."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.cli.ps_formats import slot, slots
from procession.table import files
from procession.table.columns import column
from procession.table.columns.base import View
from procession.table.forest import forest
from procession.table.layout import UNLIMITED, Layout, Slot, for_processes, for_threads
from procession.table.record import ProcessRecord
from procession.table.roles import Roles, helpers, programs
from procession.table.select import Selection, Simple, accepts
from procession.table.snapshot import Snapshot
from procession.table.sorting import ordered
from procession.table.source import Source
from procession.table.words import Words


def made(pid: int, ppid: int = 1, comm: bytes = b"prog", command: bytes = b"", **stat: int) -> ProcessRecord:
    fields = ["S", *["0"] * 49]
    places = {"ppid": 1, "session": 3, "tty": 4, "utime": 11, "start": 19, "vsize": 20}
    for name, value in {"ppid": ppid, **stat}.items():
        fields[places[name]] = str(value)
    record = ProcessRecord(Source(), pid, pid, b"%d (%s) %s\n" % (pid, comm, " ".join(fields).encode()), 1000)
    record.keep(files.CMDLINE, command)
    return record


def view_of(*records: ProcessRecord) -> View:
    return View(Snapshot(list(records), Source(), 1000.0, 1000.0))


# -- rows ------------------------------------------------------------------------------------------------


def rows(text: str, *records: ProcessRecord, room: int = UNLIMITED) -> list[str]:
    layout = Layout(slots(text), view_of(*records), room)
    return [layout.header(), *map(layout.row, records)]


def test_cells_stand_under_their_headings() -> None:
    assert rows("pid:6,tname,comm", made(7), made(123456)) == [
        "   PID TTY      COMMAND",
        "     7 ?        prog",
        "123456 ?        prog",
    ]


def test_what_overflows_is_made_up_for_by_the_next_padding() -> None:
    assert rows("vsize:3,pid:6,comm", made(7, vsize=12345 * 1024), made(7)) == [
        "VSZ    PID COMMAND",
        "12345    7 prog",
        "  0      7 prog",
    ]


def test_an_overflow_that_no_padding_makes_up_for_keeps_one_space() -> None:
    assert rows("vsize:3,sz:3,comm", made(7, vsize=12345 * 1024))[1] == "12345 3086 prog"


def test_the_last_column_takes_what_is_left_and_is_cut() -> None:
    assert rows("pid:5,args", made(7, command=b"a\0" + b"b" * 50), room=20)[1] == "    7 a bbbbbbbbbbbb"
    assert rows("args:4,pid:5", made(7, command=b"abcdefgh"))[1] == "abcd     7"


def test_a_long_name_ends_with_a_plus() -> None:
    record = made(7)
    record.keep(files.STATUS, b"Name:\tx\nUid:\t0\t0\t0\t0\n")
    assert rows("user:3,pid:5", record)[1] == "ro+     7"
    assert rows("user:4,pid:5", record)[1] == "root     7"


def test_wide_characters_take_two_cells() -> None:
    wide = made(7, comm="中文中文".encode())
    assert rows("comm:6,pid:5", wide)[1] == "中文中     7"
    assert rows("comm:7,pid:5", wide)[1] == "中文中      7"  # half a character is none
    assert rows("pid:5,comm", wide, room=11)[1] == "    7 中文"


def test_headings() -> None:
    assert rows("pid=,comm=")[0] == ""
    assert rows("pid=,comm=NAME")[0].split() == ["NAME"]
    assert rows("pid=A-LONG-ONE,comm")[0] == "A-LONG-ONE COMMAND"


def test_signals_are_wide_where_there_is_room() -> None:
    record = made(7)
    record.keep(files.STATUS, b"Name:\tx\nSigBlk:\t8000000000000001\n")
    assert rows("blocked,pid:5", record, room=80)[1] == "8000000000000001     7"
    assert rows("blocked,pid:5", record, room=16)[1] == "<00000001     7"


def test_text_between_columns() -> None:
    assert rows("%p %c", made(7))[1].split() == ["7", "prog"]
    layout = Layout([slot("pid", width=5), Slot(None, " 100% ", 6), slot("comm")], view_of())
    assert layout.row(made(7)) == "    7 100% prog"


def test_lines_of_processes_and_of_threads() -> None:
    asked = slots("pid:5,lwp:5,s,comm")
    view = view_of()
    assert Layout(for_processes(asked), view).row(made(7)).split() == ["7", "-", "-", "prog"]
    assert Layout(for_threads(asked), view).row(made(7)).split() == ["-", "7", "S", "-"]


@given(
    st.lists(
        st.sampled_from(["pid", "user", "vsz", "comm", "args", "tname", "s", "time", "blocked", "ni"]),
        min_size=1,
    ),
    st.integers(9, 200),
    st.integers(0, 2**40),
    st.binary(min_size=1, max_size=60),
)
def test_the_quick_way_and_the_careful_way_make_the_same_row(
    names: list[str], room: int, vsize: int, name: bytes
) -> None:
    record = made(7, comm=name[:15].replace(b")", b"x"), command=name, vsize=vsize)
    record.keep(files.STATUS, b"Name:\tx\nUid:\t0\t0\t0\t0\nSigBlk:\t0000000000000001\n")
    quick = Layout(slots(",".join(names)), view_of(record), room)
    careful = Layout(slots(",".join(names)), view_of(record), room)
    careful._format = ""
    assert quick.row(record) == careful.row(record)


# -- trees -----------------------------------------------------------------------------------------------


def test_a_forest_is_drawn_below_init_and_beside_it() -> None:
    records = [
        made(1, 0),
        made(2, 0),
        made(10, 1),
        made(11, 2),
        made(12, 2),
        made(13, 11),
        made(14, 10),
        made(15, 14),
    ]
    assert [(record.pid, branch) for record, branch in forest(records, drawn=True)] == [
        (2, ""),
        (11, " \\_ "),
        (13, " |   \\_ "),
        (12, " \\_ "),
        (1, ""),
        (10, ""),
        (14, " \\_ "),
        (15, "     \\_ "),
    ]
    assert [(record.pid, branch) for record, branch in forest(records, drawn=False)][-3:] == [
        (10, "  "),
        (14, "    "),
        (15, "      "),
    ]


@given(st.lists(st.integers(0, 30), max_size=30))
def test_a_forest_has_everybody_once_whoever_is_missing(parents: list[int]) -> None:
    """Parents have lower pids here, as they need not in life: a ring cannot come from one reading of the table."""
    records = [made(pid, min(parent, pid - 1)) for pid, parent in enumerate(parents, 1)]
    assert sorted(record.pid for record, _ in forest(records, drawn=True)) == [
        record.pid for record in records
    ]


def test_a_deep_tree_is_no_deep_recursion() -> None:
    records = [made(pid, pid - 1) for pid in range(2, 5000)]
    assert len(forest(records, drawn=True)) == 4998


# -- order -----------------------------------------------------------------------------------------------


def test_orders_of_several_keys() -> None:
    records = [made(1, comm=b"b", vsize=5), made(2, comm=b"a", vsize=5), made(3, comm=b"b", vsize=9)]
    comm, vsz = column("comm"), column("vsz")
    assert comm is not None
    assert vsz is not None
    found = ordered(records, [(vsz, True), (comm, False)], view_of(*records))
    assert [record.pid for record in found] == [3, 2, 1]
    found = ordered(records, [(comm, True)], view_of(*records))
    assert [record.pid for record in found] == [1, 3, 2]  # equals keep their order


# -- selection -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(everything=True), {1, 2, 3, 4}),
        (Selection(everything=True, negated=True), set()),
        (Selection(simple=Simple(on_any_terminal=True)), {3, 4}),
        (Selection(simple=Simple(no_leaders=True)), {2, 4}),
        (Selection(simple=Simple(no_leaders=True, leaders_on_terminals=True)), {2, 3, 4}),
        (Selection(simple=Simple(on_my_terminal=True), tty=7), {3}),
        (Selection(simple=Simple(mine=True), uid=1000), {1, 2, 3, 4}),
        (Selection(simple=Simple(mine=True), uid=1001), set()),
        (Selection(lists=(("pid", frozenset({1, 9})), ("name", frozenset({b"sh"})))), {1, 2}),
        (Selection(lists=(("pid", frozenset({1})),), negated=True), {2, 3, 4}),
        (Selection(everything=True, running=True), set()),
    ],
)
def test_selections(selection: Selection, expected: set[int]) -> None:
    records = [
        made(1, session=1),
        made(2, session=1, comm=b"sh"),
        made(3, session=3, tty=7),
        made(4, session=3, tty=8),
    ]
    assert {record.pid for record in records if accepts(selection, record)} == expected


def test_words_fit_users_commands_and_pids() -> None:
    record = made(4711, comm=b"short", command=b"/bin/Python\0-m\0worker\0")
    record.keep(files.STATUS, b"Name:\tx\nUid:\t0\t0\t0\t0\n")
    for words in (["python"], ["WORKER", "root"], ["short"], ["4711"], ["-m worker"], []):
        assert Words(words, Source()).fit(record), words
    for words in (["nobody"], ["471"], ["python", "nosuch"], [":80"], ["roo"]):
        assert not Words(words, Source()).fit(record), words


# -- roles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"/x/python\0/y/bin/pn\0copy\0a\0b\0", "pn copy"),
        (b"python3\0-X\0dev\0-m\0procession\0map\0", None),  # "dev" could be a program
        (b"python3\0-m\0procession\0map\0", "pn map"),
        (b"python3\0-m\0other\0pn\0", None),
        (b"python3\0-c\0pn\0copy\0", None),
        (b"python3\0/x/pn\0--help\0", None),
        (b"python3\0/x/pn\0co\x1bpy\0", None),
        (b"python3\0", None),
        (b"", None),
    ],
)
def test_roles_of_programs(command: bytes, expected: str | None) -> None:
    record = made(7, comm=b"python3", command=command)
    assert programs(Snapshot([record], Source(), 0.0, 0.0)).get(7) == expected


def test_roles_of_a_fork_server_and_of_what_it_forks() -> None:
    line = b"/x/python\0-c\0import procession.process.server; procession.process.server.main(12, 14, 3, 11)\0"
    server, child = made(7, 5, b"python3", line), made(8, 7, b"python3", line)
    other = made(9, 5, b"cat", line)
    found = helpers(Snapshot([server, child, other], Source(), 0.0, 0.0))
    assert found == {7: "fork server", 8: "forked by a fork server"}


def test_another_provider_has_the_last_word() -> None:
    record = made(os.getpid(), comm=b"python3", command=b"python3\0/x/pn\0copy\0")
    found = Roles(Snapshot([record], Source(), 0.0, 0.0), [lambda _: {os.getpid(): "job 12"}])
    assert found.of(record) == "job 12"
