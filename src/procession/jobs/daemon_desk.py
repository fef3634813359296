"""The daemon's side of its socket: who comes, what they ask, and what they are told later.

A peer's user is known before a byte of it is read (SO_PEERCRED).  Who sends half a request costs a buffer; who does not
take what it is sent is dropped at 1 MiB; who sends nonsense is told so and dropped.
"""

from __future__ import annotations

import os
import select
import time

from procession.errors import JobsError, NoSuchJob
from procession.jobs import faults
from procession.jobs.keeper_links import Gone, Link, listen, uid_of
from procession.jobs.plain import Malformed
from procession.jobs.wire import JSON, data_frame, json_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    from procession.jobs.keeper_loop import Loop

    Answer = dict[str, Any] | bytes | None
    Handler = Callable[["Asker", dict[str, Any]], Answer]

_PEERS_MAX = 1000  # at once; others wait in the queue of the socket
_BEHIND_MAX = 1 << 20  # bytes of what it has not taken yet
_AGAIN = 1.0  # seconds, where there was no free descriptor
_PATIENCE = 5.0  # seconds for a peer that is sent away to take why


class Line(Link):
    """A link that takes frames which are ready."""

    def say_frame(self, frame: bytes) -> None:
        """Raises Gone."""
        if self.behind > _BEHIND_MAX:
            raise Gone
        self._send(frame)


class Peer:
    """One connection."""

    def __init__(self, link: Line) -> None:
        self.link = link
        self.is_leaving = False  # closed as soon as it has taken what it was told


class Asker:
    """One request: who asked it, by which number.  ``tell`` may come later and more than once."""

    def __init__(self, desk: Desk, peer: Peer, number: object) -> None:
        self._desk, self.peer, self.number = desk, peer, number

    def tell(self, message: dict[str, Any]) -> None:
        """Answer."""
        self._desk.send(self.peer, {"id": self.number, **message})


class Desk:
    """``handlers`` by the word in ``do``; ``left`` hears of a peer that has gone, ``calm`` when the last one has."""

    def __init__(
        self, path: str, loop: Loop, handlers: dict[str, Handler], left: Callable[[Peer], None]
    ) -> None:
        self._path, self._loop, self._handlers, self._left = path, loop, handlers, left
        self._peers: dict[int, Peer] = {}
        self.calm: Callable[[], None] = lambda: None
        self._listener: socket.socket | None = listen(path)
        faults.point("listening")
        self._listen()

    @property
    def is_empty(self) -> bool:
        """Is nobody connected?"""
        return not self._peers

    def close(self) -> None:
        """Nobody can come any more; those that are here are left to the end of the process."""
        if self._listener is not None:
            try:
                os.unlink(self._path)
            except FileNotFoundError:
                pass
            self._loop.forget(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def flush_answers(self) -> None:
        """Until all have taken what they were told, but no longer than 5 s.  Nothing else is done meanwhile."""
        deadline = time.monotonic() + _PATIENCE
        for peer in self._peers.values():
            peer.link.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                peer.link.flush()
            except Gone:
                pass

    def _listen(self) -> None:
        if self._listener is not None and len(self._peers) < _PEERS_MAX:
            self._loop.watch(self._listener.fileno(), select.POLLIN, self._knock)

    def _knock(self, _: int) -> None:
        assert self._listener is not None
        try:
            sock, _address = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:  # EMFILE, ENFILE, ENOMEM: it would come again at once
            self._loop.forget(self._listener.fileno())
            self._loop.after(_AGAIN, "listen", self._listen)
            return
        if uid_of(sock) not in (0, os.geteuid()):
            sock.close()
            return
        faults.point("accepted")
        peer = Peer(Line(sock))
        self._peers[peer.link.fd] = peer
        self._await(peer)
        if len(self._peers) >= _PEERS_MAX:
            self._loop.forget(self._listener.fileno())

    def _await(self, peer: Peer) -> None:
        link = peer.link
        events = (0 if peer.is_leaving else select.POLLIN) | (select.POLLOUT if link.behind else 0)
        self._loop.watch(link.fd, events, lambda events: self._serve(peer, events))

    def _serve(self, peer: Peer, events: int) -> None:
        try:
            if events & select.POLLOUT:
                peer.link.flush()
            if peer.is_leaving:
                if not peer.link.behind or events & (select.POLLHUP | select.POLLERR):
                    raise Gone
            elif events & ~select.POLLOUT:
                self._read(peer)
        except Gone:
            self._drop(peer)
        else:
            if self._is_here(peer):
                self._await(peer)

    def _read(self, peer: Peer) -> None:
        try:
            for kind, body in peer.link.read():
                faults.point("received")
                if kind != JSON:
                    raise Malformed("a request is a JSON object")
                self._ask(peer, json_of(body))
                if peer.is_leaving or not self._is_here(peer):
                    return
        except Malformed as error:
            self._send_away(peer, None, str(error))

    def _ask(self, peer: Peer, message: dict[str, Any]) -> None:
        number, do = message.get("id"), message.get("do")
        handler = self._handlers.get(do) if isinstance(do, str) else None
        if handler is None or not isinstance(number, int | None):
            self._send_away(peer, None, f"there is no request {str(do)[:40]!r}")
            return
        try:
            answer = handler(Asker(self, peer, number), message)
        except Malformed as error:
            self.send(peer, {"id": number, "error": str(error), "kind": "malformed"})
        except NoSuchJob as error:
            self.send(peer, {"id": number, "error": str(error), "kind": "no-such-job"})
        except JobsError as error:
            self.send(peer, {"id": number, "error": str(error), "kind": "refused"})
        else:
            if isinstance(answer, bytes):
                self._send(peer, lambda: peer.link.say_frame(data_frame(answer)))
            elif answer is not None:
                self.send(peer, {"id": number, **answer})

    def send(self, peer: Peer, message: dict[str, Any]) -> None:
        """To a peer, if it is there still."""
        try:
            self._send(peer, lambda: peer.link.say(message))
        except Malformed as error:  # more than a frame may hold
            self.send(
                peer, {"id": message.get("id"), "error": f"the answer is too long: {error}", "kind": "failed"}
            )

    def _send(self, peer: Peer, say: Callable[[], None]) -> None:
        if not self._is_here(peer):
            return
        try:
            say()
        except Gone:
            self._drop(peer)
        else:
            faults.point("answered")
            self._await(peer)

    def _send_away(self, peer: Peer, number: object, why: str) -> None:
        self.send(peer, {"id": number, "error": why, "kind": "malformed"})
        if not self._is_here(peer):
            return
        peer.is_leaving = True
        if not peer.link.behind:
            self._drop(peer)
        else:
            self._await(peer)
            self._loop.after(_PATIENCE, f"peer {id(peer)}", lambda: self._drop(peer))

    def _is_here(self, peer: Peer) -> bool:
        return self._peers.get(peer.link.fd) is peer

    def _drop(self, peer: Peer) -> None:
        if not self._is_here(peer):
            return
        del self._peers[peer.link.fd]
        self._loop.cancel(f"peer {id(peer)}")
        self._loop.forget(peer.link.fd)
        peer.link.close()
        self._left(peer)
        self._listen()
        if not self._peers:
            self.calm()
