"""The tab of jobs in ``pn top``: the jobs, one of them chosen, and below them the end of its log.

A line is a list of (style, text), as in ``table/meters.py``: "" plain, "dim", "head", "good", "warn", "bad".
"""

from __future__ import annotations

from procession.cells import cells, cut
from procession.jobs.log_harmless import plain_text
from procession.jobs.log_read import LogReader
from procession.jobs.peek import peek
from procession.jobs.places import places
from procession.jobs.words_command import safe
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Line = list[tuple[str, str]]

_STYLES = {"running": "good", "suspended": "warn", "ending": "warn", "resting": "warn", "waiting": "dim"}
_TAIL = 64 << 10  # bytes of a log that are looked at
_STATE = 44  # cells
_NONE = (
    "No job is listed now.",
    "",
    "pn run COMMAND starts one in the background: it shows itself here, with what it prints.",
)


@record
class Row:
    """One job.  ``path``: of the log of its last run, "" if there is none."""

    id: int
    mark: str
    kind: str
    words: str
    title: str
    well: bool
    path: str


class Board:
    """What the tab shows; which job is chosen stays with its number, whatever comes and goes."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.chosen: int | None = None

    def look(self) -> None:
        """At the jobs of now."""
        self.rows = read()
        if self.chosen is None or all(row.id != self.chosen for row in self.rows):
            self.chosen = self.rows[0].id if self.rows else None

    def move(self, by: int) -> None:
        """Choose another, so many further down."""
        if self.rows:
            self.chosen = self.rows[max(0, min(len(self.rows) - 1, self._index() + by))].id

    def _index(self) -> int:
        return next((at for at, row in enumerate(self.rows) if row.id == self.chosen), 0)

    def lines(self, width: int, height: int) -> tuple[list[Line], int | None]:
        """(as many lines as there is room for, which of them is the chosen job)."""
        if not self.rows:
            return [[], *([("" if not at else "dim", f"  {text}")] for at, text in enumerate(_NONE))], None
        room = max(1, min(len(self.rows), (height - 3) // 2))
        index = self._index()
        top = max(0, min(index - room // 2, len(self.rows) - room))
        lines = [_heading(width)]
        lines += [_line(row, width) for row in self.rows[top : top + room]]
        row = self.rows[index]
        lines += [
            [],
            [("head", f" log of job {row.id}"), ("dim", f"   pn logs -f {row.id}   pn fg {row.id}")],
        ]
        lines += [[("", f" {text}")] for text in tail(row.path, max(0, height - len(lines)), width - 2)]
        return lines, 1 + index - top


def read() -> list[Row]:
    """The jobs, the newest first; none where there is no daemon."""
    answer = peek("list", all=True)
    if answer is None:
        return []
    marks = {answer.get("current"): "+", answer.get("previous"): "-"}
    return [_row(job, answer, marks.get(job["id"], " ")) for job in reversed(answer["jobs"])]


def _row(job: dict[str, Any], answer: dict[str, Any], mark: str) -> Row:
    spec, state = job["spec"], job["state"]
    return Row(
        id=job["id"],
        mark=mark,
        kind=state["kind"],
        words=safe(answer["words"].get(str(job["id"]), state["kind"])),
        title=safe(spec["name"] or " ".join(spec["command"])),
        well=state["kind"] != "ended" or state["outcome"]["kind"] == "done",
        path=places().log(job["id"], job["runs"]) if job["runs"] else "",
    )


def tail(path: str, count: int, width: int) -> list[str]:
    """The last lines of a log, safe to show."""
    if not path or count < 1:
        return []
    try:
        with LogReader(path) as reader:
            data = b"".join(reader.pieces(reader.last_lines(count, _TAIL)))
    except OSError:
        return []
    return [cut(_last_of(line), width) for line in data.split(b"\n")][
        -count - 1 : -1 if data.endswith(b"\n") else None
    ]


def _last_of(line: bytes) -> str:
    """A bar that is drawn again and again by carriage returns is shown as it was last."""
    return plain_text(line.rstrip(b"\r").rpartition(b"\r")[2])


def _heading(width: int) -> Line:
    return [("dim", cut(f" {'JOB':>5}   {'STATE':{_state(width)}}  COMMAND", width))]


def _line(row: Row, width: int) -> Line:
    room = _state(width)
    words = cut(row.words, room)
    style = _STYLES.get(row.kind, "" if row.well else "bad")
    return [
        ("", f" {row.id:>5} {row.mark} "),
        (style, words + " " * (room - cells(words))),
        ("", f"  {cut(row.title, max(1, width - room - 11))}"),
    ]


def _state(width: int) -> int:
    return max(12, min(_STATE, width // 2))
