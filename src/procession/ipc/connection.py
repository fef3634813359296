"""Connections: the names that ``multiprocessing.connection`` has, in one place.

pipes.py (two ends of a SEQPACKET pair), streams.py (any descriptor), listeners.py, waiting.py.  Connections
of the standard library, and sockets, travel through ours with their descriptors as well.
"""

from __future__ import annotations

import copyreg
import socket
from multiprocessing import reduction

from procession.ipc import carry
from procession.ipc.classic import classic
from procession.ipc.listeners import Client, Listener
from procession.ipc.pipes import Pipe, PipeEnd
from procession.ipc.streams import Connection
from procession.ipc.waiting import wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Client", "Connection", "Listener", "Pipe", "PipeEnd", "wait"]


def _reduce_classic(end: Any) -> tuple[Any, tuple[Any, ...]]:
    return _rebuild_classic, (carry.share(end.fileno()), end.readable, end.writable)


def _rebuild_classic(shared: Any, readable: bool, writable: bool) -> Any:
    return classic("connection").Connection(shared.detach(), readable, writable)


def _reduce_socket(sock: socket.socket) -> tuple[Any, tuple[Any, ...]]:
    return _rebuild_socket, (carry.share(sock.fileno()), sock.family, sock.type, sock.proto)


def _rebuild_socket(shared: Any, family: int, kind: int, protocol: int) -> socket.socket:
    return socket.socket(family, kind, protocol, shared.detach())


# Plain pickle takes a connection of the standard library for any object with a number in it, and would send
# the number.  Sockets it refuses; the second pickler of carry knows them by what is registered here.
copyreg.pickle(classic("connection").Connection, _reduce_classic)
reduction.register(classic("connection").Connection, _reduce_classic)
reduction.register(socket.socket, _reduce_socket)
