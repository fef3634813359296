"""``multiprocessing.connection``: the connections of procession.ipc under their classic name."""

from __future__ import annotations

from procession.ipc.classic import rest_of

try:
    from procession.ipc.connection import Client, Connection, Listener, Pipe, wait
except ImportError:
    from procession.ipc.classic import classic

    Client, Connection, Listener, Pipe, wait = (
        getattr(classic("connection"), n) for n in ("Client", "Connection", "Listener", "Pipe", "wait")
    )

__all__ = ["Client", "Connection", "Listener", "Pipe", "wait"]
__getattr__ = rest_of("connection")
