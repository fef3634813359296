"""What a manager's clients do better than the standard library's: see manager_server for the talk.

A manager that is gone is a ``ManagerDied`` at once, also for a call that waits, because the kernel closes
the dead process's sockets.
"""

# ruff: noqa: SLF001, N802 - we build on what the standard library keeps private, under its names

from __future__ import annotations

import os
import socket
import struct
import threading
import weakref
from contextlib import contextmanager, suppress

from procession.errors import ManagerDied
from procession.ipc.faults import unpack_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

__all__ = ["ManagerDied", "equip"]

MARK = "|procession"  # ends the name under which our clients introduce themselves to the server
BYE: tuple[Any, ...] = (
    "0",
    "#BYE",
    (),
    {},
)  # the last request of a client that ends in order; it has no answer
# What the end of a connection looks like.
ENDS = (EOFError, ConnectionError, FileNotFoundError)
EXIT_WAIT = 0.5  # seconds: a process's sockets close a moment before its exit can be collected

_here = threading.local()  # .lease: of the proxy that is being unpickled


def peer(conn: Any) -> tuple[Any, int | None]:
    """Address and, on this machine, pid of the other side; what cannot be had is None."""
    try:
        with socket.socket(fileno=os.dup(conn.fileno())) as sock:
            if sock.family != socket.AF_UNIX:
                return sock.getpeername(), None
            packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return sock.getpeername(), struct.unpack("3i", packed)[0]
    except OSError:
        return None, None


@contextmanager
def told(conn: Any, manager: Any = None) -> Iterator[None]:
    """The end of the connection inside the block becomes a ManagerDied that says whose."""
    try:
        yield
    except ManagerDied:
        raise
    except ENDS as error:
        address, pid = peer(conn)
        conn.close()
        raise ManagerDied(address, pid, exit_words(manager) or words(error)) from error


def words(error: BaseException) -> str:
    """The error in words, for those whose text is empty or a traceback of its own."""
    if isinstance(error, EOFError):
        return "it has closed the connection or was killed"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def exit_words(manager: Any) -> str:
    """How the manager's process ended, if it is a child of ours."""
    process: Any = getattr(manager, "_process", None)
    with suppress(AssertionError, ValueError, OSError, AttributeError):  # not our child, or closed
        process.join(EXIT_WAIT)
        ended = getattr(process, "exit", None)
        if ended is not None:
            return str(ended.reason)
        code = process.exitcode
        if code is not None:
            return f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return ""


def with_pid_and_end(error: ManagerDied, manager: Any) -> ManagerDied:
    """The same, with what is known of the manager's process: a connection that was never made tells nothing."""
    pid = error.pid
    with suppress(ValueError, AttributeError):  # closed; not a manager that we have started
        pid = pid or manager._process.pid
    return ManagerDied(error.address, pid, exit_words(manager) or error.words)


class Proxy:
    """Methods for BaseProxy; ``self`` is a proxy of the standard library's making."""

    def _connect(self: Any) -> None:
        from multiprocessing.process import current_process

        name, thread = current_process().name, threading.current_thread().name
        if thread != "MainThread":
            name += f"|{thread}"
        # Only pickled messages can carry what our server says to its own kind.
        mark = MARK if self._serializer == "pickle" else ""
        try:
            conn = self._Client(self._token.address, authkey=self._authkey)
            self._dispatch(conn, None, "accept_connection", (name + mark,))
        except ManagerDied as error:
            raise with_pid_and_end(error, self._manager) from error.__cause__
        self._tls.connection = conn
        if mark:
            self._finalizer(conn, say_bye, args=(weakref.ref(conn),), exitpriority=20)

    def _callmethod(self: Any, methodname: str, args: Any = (), kwds: Any = {}) -> Any:  # noqa: B006
        """Call the method of the object behind; returns a copy of its result, or a proxy of it."""
        if not hasattr(self._tls, "connection"):
            self._connect()
        conn = self._tls.connection
        try:
            with told(conn, self._manager):
                conn.send((self._id, methodname, args, kwds))
                kind, result = conn.recv()
        except BaseException as error:
            # After an interrupt the answer is still to come, and would be taken for that of the next call.
            if isinstance(error, ManagerDied) or not isinstance(error, Exception):
                conn.close()
                self._tls.__dict__.pop("connection", None)
            raise
        if kind == "#RETURN":
            return result
        if kind == "#PROXY":
            return self._receive(*result)
        try:
            raise self._convert_to_error(kind, result)
        finally:
            del result  # no reference cycle

    def _receive(self: Any, exposed: Any, token: Any, kind: Any = None) -> Any:
        """A proxy for a result that stays in the server."""
        kind = self._manager._registry[token.typeid][-1] if kind is None else kind
        token.address = self._token.address
        proxy = kind(token, self._serializer, manager=self._manager, authkey=self._authkey, exposed=exposed)
        with self._Client(token.address, authkey=self._authkey) as conn:
            self._dispatch(conn, None, "decref", (token.id,))
        return proxy

    def _incref(self: Any) -> None:
        lease = _here.__dict__.pop("lease", None)
        if lease is None:
            self._theirs_incref()
            return
        with self._Client(self._token.address, authkey=self._authkey) as conn:
            self._dispatch(conn, None, "claim", (self._id, lease))
        self._own()
        self._counted_in = os.getpid()

    def _after_fork(self: Any) -> None:
        if self.__dict__.get("_counted_in") == os.getpid():
            self._own()  # unpickled in this very process, whose start has now cleared the finalizers
        else:
            self._theirs_after_fork()

    def _own(self: Any) -> None:
        """See to it that the reference which this proxy holds is given back with it."""
        self._idset.add(self._id)
        state = self._manager and self._manager._state
        args = (self._token, self._authkey, state, self._tls, self._idset, self._Client)
        self._close = self._finalizer(self, type(self)._decref, args=args, exitpriority=10)

    def __reduce__(self: Any) -> tuple[Any, ...]:
        from multiprocessing.process import current_process

        kwds: dict[str, Any] = {"lease": self._lease()}
        # The family's key is never sent; a manager's own goes with its proxies, for they are of no use without.
        if self._spawning() is not None or self._authkey != current_process().authkey:
            kwds["authkey"] = bytes(self._authkey)
        if getattr(self, "_isauto", False):
            kwds["exposed"] = self._exposed_
        kind = self._auto if getattr(self, "_isauto", False) else type(self)
        return self._rebuild, (kind, self._token, self._serializer, kwds)

    def _lease(self: Any) -> str | None:
        from multiprocessing.process import current_process

        try:
            if self._owned_by_manager:
                return str(current_process()._manager_server.lease(None, self._id))  # type: ignore[attr-defined]
            with self._Client(self._token.address, authkey=self._authkey) as conn:
                return str(self._dispatch(conn, None, "lease", (self._id,)))
        except (ManagerDied, self._remote_error):
            return None  # dead, which the receiver will be told; or a server that knows no leases


def say_bye(reference: weakref.ref[Any]) -> None:
    """At this process's end in order: what it holds of the manager's locks it keeps, as it always has."""
    conn = reference()
    if conn is not None:
        with suppress(OSError):
            conn.send(BYE)


def rebuild(func: Any, token: Any, serializer: str, kwds: dict[str, Any]) -> Any:
    """A proxy from its pickle."""
    from multiprocessing.process import current_process

    process = current_process()
    lease = kwds.pop("lease", None)
    incref = kwds.pop("incref", True)
    server = getattr(process, "_manager_server", None)
    if server is not None and server.address == token.address:
        server.keep_local(token.id)
        proxy = func(token, serializer, incref=incref, manager_owned=True, **kwds)
        server.adopt(proxy, token.id, lease)
        return proxy
    if getattr(process, "_inheriting", False):
        incref = incref and lease is not None  # without one the parent holds the object for its child
    _here.lease = lease
    try:
        return func(token, serializer, incref=incref, **kwds)
    except ManagerDied:
        # A queue or a starting process does not break because a proxy in it is dead: who calls it is told.
        return func(token, serializer, incref=False, **kwds)
    finally:
        _here.__dict__.pop("lease", None)


def equip(module: ModuleType) -> None:
    """Give the proxies and the talk of a managers module these ways; ``module`` is one of our own."""
    its: Any = module
    proxy = its.BaseProxy
    theirs_convert, theirs_dispatch, theirs_client = its.convert_to_error, its.dispatch, its.connection.Client

    def convert_to_error(kind: str, result: Any) -> BaseException:
        return unpack_error(result) if kind == "#RAISED" else theirs_convert(kind, result)

    def dispatch(c: Any, id: Any, methodname: str, args: Any = (), kwds: Any = {}) -> Any:  # noqa: B006
        """Have the server do something; returns its answer."""
        with told(c):
            return theirs_dispatch(c, id, methodname, args, kwds)

    def client(address: Any, authkey: bytes | None = None) -> Any:
        try:
            return theirs_client(address, authkey=authkey)
        except ENDS as error:
            raise ManagerDied(address, None, words(error)) from error

    def RebuildProxy(func: Any, token: Any, serializer: str, kwds: Any) -> Any:
        """A proxy from its pickle."""
        return rebuild(func, token, serializer, kwds)

    for function in (convert_to_error, dispatch, RebuildProxy):
        function.__module__, function.__qualname__ = its.__name__, function.__name__
        setattr(its, function.__name__, function)
    its.listener_client["pickle"] = (its.connection.Listener, client)

    proxy._theirs_incref, proxy._theirs_after_fork = proxy._incref, proxy._after_fork
    for name, method in vars(Proxy).items():
        if callable(method):
            setattr(proxy, name, method)
    proxy._dispatch, proxy._convert_to_error = staticmethod(dispatch), staticmethod(convert_to_error)
    proxy._rebuild, proxy._auto = staticmethod(RebuildProxy), staticmethod(its.AutoProxy)
    proxy._finalizer, proxy._spawning = staticmethod(its.util.Finalize), staticmethod(its.get_spawning_popen)
    proxy._remote_error = its.RemoteError
