"""Going along with the log of a job, from run to run, until it has ended for good."""

from __future__ import annotations

from procession.cli.fg_begin import reach
from procession.jobs.log_read import LogReader
from procession.jobs.places import places
from procession.jobs.wire import JSON, Frames, json_frame, json_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from procession.cli.log_print import Printer
    from procession.jobs.client import Client


def follow(client: Client, number: int, printer: Printer, start: Callable[[LogReader], int]) -> None:
    """``start``: where in the log that is there now to begin; of later runs everything is shown."""
    shown: tuple[int, int] | None = None  # (run, offset)
    while True:
        reached = reach(client, number)
        with LogReader(places().log(number, reached.run)) as reader:
            offset = shown[1] if shown and shown[0] == reached.run else start(reader) if shown is None else 0
            if reached.line is not None:
                with reached.line:
                    offset = _along(reached.line, reader, printer, offset)
            offset = _catch_up(reader, printer, offset)
        shown = (reached.run, offset)
        if reached.outcome is not None:
            return


def _along(line: socket.socket, reader: LogReader, printer: Printer, offset: int) -> int:
    """Until the keeper has nothing more to say; returns the offset that was reached."""
    # Asked first and read then: what is written in between is told.
    line.sendall(json_frame({"do": "follow"}))
    offset = _catch_up(reader, printer, offset)
    printer.settle()
    frames = Frames()
    while piece := _received(line):
        ended = False
        for kind, body in frames.feed(piece):
            ended = ended or (kind == JSON and json_of(body).get("event") == "ended")
        offset = _catch_up(reader, printer, offset)
        if ended:
            break
    return offset


def _received(line: socket.socket) -> bytes:
    try:
        return line.recv(65536)
    except ConnectionError:
        return b""


def _catch_up(reader: LogReader, printer: Printer, offset: int) -> int:
    reader.refresh()
    while True:
        at, piece = reader.read(offset)
        if not piece:
            return offset
        printer.feed_all((piece,))
        offset = at + len(piece)
