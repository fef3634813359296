"""The log: what was written is read back, whatever the names, and a torn end costs one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procession.commands.joblog import JobLog, LogRefused, make_line, read_line
from procession.commands.outcome import Outcome
from procession.commands.plan import Work

OK = Outcome(0, None, "ended normally", 1.5)
BAD = Outcome(3, None, "exited with code 3", 0.25)
NAMES = st.binary(max_size=12).map(os.fsdecode)
TEMPLATE = ("echo {}",)


@given(st.lists(NAMES, min_size=1, max_size=3), st.booleans())
def test_a_line_is_read_as_it_was_meant(names: list[str], ok: bool) -> None:
    line = make_line(Work(3, tuple(names), 2), "echo", OK if ok else BAD, 1e9, list(TEMPLATE))
    assert line.count(b"\n") == 1
    assert read_line(line) == (tuple(names), ok, list(TEMPLATE))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["a", "b\n", "\udcff"]), st.booleans()), max_size=6), st.data())
def test_a_log_cut_anywhere_gives_its_whole_lines(
    tmp_path: Path, runs: list[tuple[str, bool]], data: st.DataObject
) -> None:
    lines = [
        make_line(Work(n, (name,)), "echo", OK if ok else BAD, 0.0, list(TEMPLATE))
        for n, (name, ok) in enumerate(runs, 1)
    ]
    text = b"".join(lines)
    cut = data.draw(st.integers(0, len(text)))
    path = tmp_path / "log"
    path.write_bytes(text[:cut])
    whole = text[:cut].count(b"\n")
    log = JobLog(str(path), TEMPLATE, resume=True)
    try:
        assert log.torn == cut - sum(map(len, lines[:whole]))
        assert path.read_bytes() == b"".join(lines[:whole])
        for name in ("a", "b\n", "\udcff"):
            for _ in range(runs[:whole].count((name, True))):
                assert log.done_before((name,))
            assert not log.done_before((name,))
    finally:
        log.close()


def test_one_line_for_one_input(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = JobLog(str(path), TEMPLATE, resume=False)
    log.write(Work(1, ("x'y",)), "echo 'x'", BAD, 12.3456)
    log.write(Work(2, ("a", "b")), "echo a b", OK, 13.0)
    log.close()
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {
        "input": "x'y",
        "command": "echo 'x'",
        "number": 1,
        "ok": False,
        "code": 3,
        "signal": None,
        "reason": "exited with code 3",
        "seconds": 0.25,
        "attempt": 1,
        "ended": 12.346,
        "template": ["echo {}"],
    }
    assert second["input"] == ["a", "b"]


def test_a_log_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = JobLog(str(path), TEMPLATE, resume=False)
    with pytest.raises(LogRefused, match="being written by another"):
        JobLog(str(path), TEMPLATE, resume=True)
    log.write(Work(1, ("a",)), "echo a", OK, 0.0)
    log.close()
    with pytest.raises(LogRefused, match="holds a log: --resume goes on with it"):
        JobLog(str(path), TEMPLATE, resume=False)
    with pytest.raises(LogRefused, match=r"the log of another COMMAND \(echo \{\}\)"):
        JobLog(str(path), ("rm {}",), resume=True)


def test_another_file_is_not_taken_for_a_log(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    for text in ("dear diary\n", "[]\n", '{"input": 3, "ok": true, "template": []}\n'):
        path.write_text(text)
        with pytest.raises(LogRefused, match="is not a log of pn map"):
            JobLog(str(path), TEMPLATE, resume=True)
        assert path.read_text() == text


@pytest.mark.root
def test_a_full_disk_leaves_no_half_line(small_tmpfs: object) -> None:
    folder = small_tmpfs("8k")  # type: ignore[operator]
    log = JobLog(str(folder / "log"), TEMPLATE, resume=False)
    written = 0
    with pytest.raises(OSError, match="No space left"):
        while True:
            log.write(Work(written, ("x" * 100,)), "echo", OK, 0.0)
            written += 1
    log.close()
    lines = (folder / "log").read_bytes().splitlines(keepends=True)
    assert len(lines) == written > 3
    assert all(read_line(line) for line in lines)
