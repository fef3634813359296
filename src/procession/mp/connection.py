"""``multiprocessing.connection``: the connections of procession.ipc under their classic name."""

from __future__ import annotations

from procession.ipc.classic import rest_of
from procession.ipc.connection import Client, Connection, Listener, Pipe, wait

__all__ = ["Client", "Connection", "Listener", "Pipe", "wait"]
__getattr__ = rest_of("connection")
