"""What pn copy prints, from fixed figures."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from rich.console import Console

from procession.cli.copy_json import JsonOutput
from procession.cli.copy_live import LiveOutput, draw, figures
from procession.cli.copy_out import Output, Summary, summary
from procession.copying.messages import Failure
from procession.copying.progress import Progress, Worker
from procession.copying.report import CopyReport
from procession.records import replace

HALF_WAY = Progress(
    seconds=12.0,
    entries=1200,
    bytes=300_000_000,
    skipped_bytes=50_000_000,
    failed=0,
    found_entries=2400,
    found_bytes=700_000_000,
    scanned=True,
    workers=(Worker(4711, "photos/2024/beach.jpg"), Worker(4712, "")),
)
REPORT = CopyReport(
    files=1234,
    folders=1,
    links=2,
    specials=1,
    bytes=5_600_000,
    skipped=7,
    skipped_bytes=890,
    failed=(Failure("a/b", "Permission denied"), Failure("a/c\n", "No space left on device")),
    seconds=2.0,
    targets=("/t/a", "/t/b", "/t/c", "/t/d"),
)
EMPTY = CopyReport(0, 1, 0, 0, 0, 0, 0, (), 0.01, ("/t",))


def on_screen(progress: Progress, width: int = 80, *, stopping: bool = False) -> str:
    console = Console(record=True, width=width, file=io.StringIO(), color_system=None)
    console.print(draw(progress, stopping=stopping))
    return console.export_text()


def test_the_display() -> None:
    lines = [line.rstrip() for line in on_screen(HALF_WAY).splitlines()]
    assert lines == [
        "━" * 37 + " " * 39 + "50 %",
        "350 MB of 700 MB  1,200 of 2,400 files  25 MB/s  14 s left",
        "     4711 photos/2024/beach.jpg",
        "     4712",
    ]


def test_the_display_while_the_scan_goes_on() -> None:
    text = on_screen(replace(HALF_WAY, scanned=False, failed=3), 100, stopping=True)
    assert "scanning" in text
    assert "350 MB of 700 MB+  1,203 of 2,400+ files" in text
    assert "at least 14 s left" in text
    assert "finishing the files in flight; Ctrl-C again stops at once" in text
    assert "%" not in text
    assert "3 failed" in figures(replace(HALF_WAY, failed=3))


@pytest.mark.parametrize("width", [1, 5, 20, 40])
def test_a_narrow_terminal_cuts_lines_and_never_wraps_them(width: int) -> None:
    lines = on_screen(HALF_WAY, width).splitlines()
    assert len(lines) == 4
    assert all(len(line) <= width for line in lines)


def test_names_cannot_play_with_the_terminal() -> None:
    text = on_screen(replace(HALF_WAY, workers=(Worker(1, "a\x1b[2J\n" + os.fsdecode(b"\xff") + "[red]b"),)))
    assert r"a\x1b[2J\n\xff[red]b" in text
    assert "\x1b" not in text


def test_found_is_never_shown_below_done() -> None:
    ahead = replace(HALF_WAY, found_entries=0, found_bytes=0, scanned=False)
    assert figures(ahead).startswith("350 MB of 350 MB+  1,200 of 1,200+ files")


def test_a_display_that_was_abandoned_gives_the_cursor_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import rich.live

    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    monkeypatch.setattr(rich.live, "get_console", lambda: console)
    output = LiveOutput()
    output.progress(replace(HALF_WAY, seconds=0.2))
    assert screen.getvalue() == ""  # not worth a display yet
    output.progress(HALF_WAY)
    assert "350 MB" in screen.getvalue()
    assert "\x1b[?25l" in screen.getvalue()
    output.abandon()
    assert screen.getvalue().rindex("\x1b[?25h") > screen.getvalue().rindex("\x1b[?25l")
    output.abandon()  # once more does no harm


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (EMPTY, "copied 0 files in 1 folder: 0 B in 0.0 s -> /t"),
        (
            REPORT,
            (
                "copied 1,234 files in 1 folder, 2 links, 1 special file: 5.6 MB in 2.0 s (2.8 MB/s); "
                "7 were there already (890 B); 2 paths failed -> /t/a, /t/b, /t/c, ..."
            ),
        ),
        (
            replace(EMPTY, interrupted=True, targets=("/t/new\nline",)),
            (
                "copied 0 files in 1 folder: 0 B in 0.0 s; interrupted: the same command finishes the rest "
                r"-> /t/new\nline"
            ),
        ),
    ],
)
def test_the_summary_is_one_line(report: CopyReport, line: str) -> None:
    assert summary(report) == line


@pytest.mark.parametrize(("output", "lines"), [(Output(), 0), (Summary(), 1)])
def test_failures_are_listed_on_stderr(
    output: Output, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    output.end(REPORT)
    out, err = capsys.readouterr()
    assert out.count("\n") == lines
    assert err == (
        "pn copy: 2 paths not copied:\n  a/b: Permission denied\n  a/c\\n: No space left on device\n"
    )
    output.end(EMPTY)
    assert capsys.readouterr().err == ""


def test_json_has_the_exact_figures(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"caf\xe9")
    output = JsonOutput()
    output.begin(["a"], ["/t/a"], 2)
    output.progress(replace(HALF_WAY, workers=(Worker(1, name),)))
    output.failure(Failure(name, "Permission denied"))
    output.stopping()
    output.end(REPORT)
    out, err = capsys.readouterr()
    plan, progress, failed, stopping, done = map(json.loads, out.splitlines())
    assert err == ""
    assert plan == {"event": "plan", "sources": ["a"], "targets": ["/t/a"], "workers": 2}
    assert progress["event"] == "progress"
    assert (progress["bytes"], progress["rate"]) == (300_000_000, 25e6)
    assert progress["fraction"] == HALF_WAY.fraction
    assert progress["workers"] == [{"pid": 1, "entry": name}]
    assert os.fsencode(failed["path"]) == b"caf\xe9"
    assert stopping == {"event": "stopping"}
    assert done["failed"] == [{"path": f.path, "cause": f.cause} for f in REPORT.failed]
    assert done["targets"] == list(REPORT.targets)
    assert (done["files"], done["bytes"], done["interrupted"]) == (1234, 5_600_000, False)


def test_nobody_has_to_read_it() -> None:
    program = (
        "from procession.cli.copy_out import say\n"
        "import sys\n"
        "for n in range(10): say('x' * 100_000)\n"
        "print('still here', file=sys.stderr)\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"still here\n")
