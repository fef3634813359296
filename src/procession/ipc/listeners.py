"""Listener and Client: connections between unrelated processes, with the standard library's handshake."""

from __future__ import annotations

from contextlib import contextmanager

from procession.ipc.classic import classic
from procession.ipc.streams import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing import connection
    from typing import Any

    class _Classic(connection.Listener):
        """What typeshed leaves out."""

        _listener: Any
        _authkey: bytes | None
else:
    _Classic = classic("connection").Listener


class Listener(_Classic):
    """A bound socket that listens; as documented for ``multiprocessing.connection.Listener``."""

    def __init__(
        self,
        address: Any = None,
        family: str | None = None,
        backlog: int = 1,
        authkey: bytes | None = None,
    ) -> None:
        if authkey is not None and not isinstance(authkey, bytes):
            raise TypeError("authkey should be a byte string")  # before there is a socket to be closed
        super().__init__(address, family, backlog, authkey)

    def accept(self) -> Connection:
        """The next connection.  Raises AuthenticationError, OSError (also once the listener is closed)."""
        if self._listener is None:
            raise OSError("listener is closed")
        connection = _ours(self._listener.accept())
        if self._authkey is not None:  # an empty key is one too: Python 3.11 forgets it on this side only
            try:
                std = classic("connection")
                std.deliver_challenge(connection, self._authkey)
                std.answer_challenge(connection, self._authkey)
            except BaseException:
                connection.close()
                raise
        return connection


def Client(  # noqa: N802 — the classic name
    address: Any, family: str | None = None, authkey: bytes | None = None
) -> Connection:
    """Connect to a listener.  Raises OSError (nobody listens there), AuthenticationError, EOFError."""
    with _naming(address):
        made = classic("connection").Client(address, family, authkey)
    return _ours(made)


def _ours(made: Any) -> Connection:
    descriptor, made._handle = made.fileno(), None  # noqa: SLF001 — it must not close what is ours now
    return Connection(descriptor)


@contextmanager
def _naming(address: Any) -> Iterator[None]:
    """Let an error say where nobody answered."""
    try:
        yield
    except (ConnectionRefusedError, FileNotFoundError) as error:
        words = f"{error.strerror}: nobody listens at {address!r}"
        raise type(error)(error.errno, words) from error
