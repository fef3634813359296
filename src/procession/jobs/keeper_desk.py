"""What others ask of a keeper, and what it tells them.  docs/decisions/0013-jobs.md has the messages."""

from __future__ import annotations

import select
import signal

from procession.jobs.keeper_links import Gone, Link, accept
from procession.jobs.outcome import STOPPED
from procession.jobs.plain import Malformed
from procession.jobs.wire import DATA, json_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from procession.jobs.keeper import Keeper
    from procession.jobs.keeper_loop import Loop

_SIZE_MAX = 10_000  # rows or columns


class Desk:
    """The listening socket and all links."""

    def __init__(self, keeper: Keeper, loop: Loop, listener: socket.socket) -> None:
        self._keeper, self._loop, self._listener = keeper, loop, listener
        self._links: dict[int, Link] = {}
        self._last: dict[str, Any] | None = None  # the event "ended"
        loop.watch(listener.fileno(), select.POLLIN, self._knock)

    def _knock(self, _: int) -> None:
        link = accept(self._listener)
        if link is not None:
            self.add(link)

    def add(self, link: Link) -> None:
        self._links[link.fd] = link
        self._await(link)

    def _await(self, link: Link) -> None:
        events = select.POLLIN | (select.POLLOUT if link.behind else 0)
        self._loop.watch(link.fd, events, lambda events: self._serve(link, events))

    def _serve(self, link: Link, events: int) -> None:
        try:
            if events & select.POLLOUT:
                link.flush()
                self._caught_up(link)
            if events & ~select.POLLOUT:
                for kind, body in link.read():
                    self._take(link, kind, body)
        except (Gone, Malformed):
            self._drop(link)
        else:
            self._await(link)

    def _take(self, link: Link, kind: bytes, body: bytes) -> None:
        if kind == DATA:
            if link.writes:
                self._keeper.type(body)
            return
        message = json_of(body)
        does = _REQUESTS.get(str(message.get("do")))
        if does is None:
            link.say({"event": "error", "why": f"a keeper cannot do {str(message.get('do'))[:40]!r}"})
            return
        try:
            why = does(self, link, message)
        except (KeyError, TypeError, ValueError, OverflowError):
            why = f"{message['do']} lacks something, or has something of the wrong kind"
        if why:
            link.say({"event": "error", "why": why})

    def _drop(self, link: Link) -> None:
        if self._links.pop(link.fd, None) is not None:
            self._loop.forget(link.fd)
            link.close()

    # ── telling ──

    def tell(self, event: str, **more: object) -> None:
        """To all that watch or view."""
        message = {"event": event, **more}
        if event == "ended":
            self._last = message
        for link in list(self._links.values()):
            if link.watches or link.views or link.follows:
                self._to(link, message)

    def show(self, data: bytes) -> None:
        """Output, to viewers; to followers that there is some."""
        for link in list(self._links.values()):
            if link.views or link.follows:
                try:
                    if link.views:
                        link.show(data)
                    if link.follows and not link.behind:
                        self._tell_of_log(link)
                except Gone:
                    self._drop(link)
                else:
                    self._await(link)

    def _to(self, link: Link, message: dict[str, Any]) -> None:
        try:
            link.say(message)
        except Gone:
            self._drop(link)
        else:
            self._await(link)

    def _caught_up(self, link: Link) -> None:
        """It has taken all: is there something that it does not know yet?"""
        if link.behind:
            return
        if link.missed:
            missed, link.missed = link.missed, 0
            link.say({"event": "skipped", "bytes": missed})
            self._replay(link)
        if link.follows:
            self._tell_of_log(link)

    def _tell_of_log(self, link: Link) -> None:
        log = self._keeper.log
        if log is not None and link.told != (log.offset, log.lost):
            link.told = (log.offset, log.lost)
            link.say({"event": "log", "bytes": log.offset, "lost": log.lost})

    def _replay(self, link: Link) -> None:
        output = self._keeper.output
        if output is not None:
            data = output.replay()
            if data:
                link.show(data)
            if output.modes.alternate:
                output.repaint()

    def farewell(self, seconds: float) -> None:
        """Until all have taken what they were told, but no longer than that."""
        self._loop.after(seconds, "farewell", lambda: None)
        while self._loop.left("farewell") is not None and any(link.behind for link in self._links.values()):
            self._loop.turn()
        self._loop.cancel("farewell")
        for link in list(self._links.values()):
            self._drop(link)
        self._loop.forget(self._listener.fileno())
        self._listener.close()

    # ── requests: each returns why it cannot be done, or "" ──

    def _watch(self, link: Link, _: dict[str, Any]) -> str:
        link.watches = True
        link.say(self._keeper.state())
        if self._last is not None:
            link.say(self._last)
        return ""

    def _attach(self, link: Link, message: dict[str, Any]) -> str:
        output = self._keeper.output
        if output is None:
            return "it was adopted: its terminal is where it was started"
        taken = any(other.writes for other in self._links.values() if other is not link)
        wants = bool(message.get("write"))
        why = ""
        if wants and not output.pty:
            why = "it has no terminal: what is typed has nowhere to go"
        elif wants and taken:
            why = "somebody else is attached and writes: you only watch"
        link.views, link.writes = True, wants and not why
        link.say({
            "event": "attached", "write": link.writes, "pty": output.pty, "log": output.log.offset, "why": why,
        })  # fmt: skip
        changed = link.writes and "rows" in message and output.resize(*_size(message))
        if message.get("replay"):
            data = output.replay()
            if data:
                link.show(data)
        if output.modes.alternate and not changed:
            output.repaint()
        if self._last is not None:
            link.say(self._last)
        return ""

    def _detach(self, link: Link, _: dict[str, Any]) -> str:
        link.views = link.writes = False
        return ""

    def _resize(self, link: Link, message: dict[str, Any]) -> str:
        if link.writes and self._keeper.output is not None:
            self._keeper.output.resize(*_size(message))
        return ""

    def _redraw(self, _link: Link, _: dict[str, Any]) -> str:
        if self._keeper.output is not None:
            self._keeper.output.repaint()
        return ""

    def _signal(self, _link: Link, message: dict[str, Any]) -> str:
        signum = int(message["signal"])
        if not 0 < signum < signal.NSIG:
            return f"there is no signal {signum}"
        return self._keeper.signal(signum, tree=bool(message.get("tree")))

    def _end(self, _link: Link, message: dict[str, Any]) -> str:
        grace = max(float(message.get("grace", 5.0)), 0.0)
        return self._keeper.end(grace, str(message.get("kind") or STOPPED), str(message.get("why") or ""))

    def _stop(self, _link: Link, _: dict[str, Any]) -> str:
        return self._keeper.stop()

    def _cont(self, _link: Link, _: dict[str, Any]) -> str:
        return self._keeper.cont()

    def _type(self, _link: Link, message: dict[str, Any]) -> str:
        output = self._keeper.output
        if output is None or not output.pty:
            return "it has no terminal: what is typed has nowhere to go (start it with --pty)"
        # UTF-8, and lone surrogates as the bytes that they stand for (os.fsdecode).
        if not self._keeper.type(str(message["text"]).encode("utf-8", "surrogateescape")):
            return "it does not read what was typed before"
        return ""

    def _follow(self, link: Link, _: dict[str, Any]) -> str:
        link.follows = True
        self._tell_of_log(link)
        if self._last is not None:
            link.say(self._last)
        return ""


def _size(message: dict[str, Any]) -> tuple[int, int]:
    rows, columns = int(message["rows"]), int(message["columns"])
    return min(max(rows, 1), _SIZE_MAX), min(max(columns, 1), _SIZE_MAX)


# ruff: noqa: SLF001 - the table of our own methods
_REQUESTS = {
    "watch": Desk._watch,
    "attach": Desk._attach,
    "detach": Desk._detach,
    "size": Desk._resize,
    "redraw": Desk._redraw,
    "signal": Desk._signal,
    "end": Desk._end,
    "stop": Desk._stop,
    "cont": Desk._cont,
    "type": Desk._type,
    "follow": Desk._follow,
}
