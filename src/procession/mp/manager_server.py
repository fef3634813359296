"""What a manager's server does better than the standard library's.

::

    client ── (ident, method, args, kwds) ──▶ serve_client ─▶ object
           ◀─ #RETURN value                      │
           ◀─ #PROXY (exposed, token, type)      │  to clients of ours; others get what they know
           ◀─ #RAISED pack_error(error)          │

A proxy on its way (in a pickle) holds a *lease*: a reference that whoever unpickles it takes over, and that
ends by itself when nobody does.  A proxy inside the server (a managed list in a managed dict) is written
down when it dies and settled between two requests, so that what it stood for is freed (cpython#103136).
"""

# ruff: noqa: SLF001 - we build on what the standard library keeps private

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections import deque
from traceback import format_exc

from procession.ipc.faults import pack_error
from procession.mp.manager_held import LOCKS, Held
from procession.mp.manager_proxy import BYE, MARK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

__all__ = ["equip"]

LEASE = 600.0  # seconds that a pickled proxy keeps its object alive without being unpickled


class Service:
    """Methods for the server class; ``self`` is a Server of the standard library's making."""

    _theirs_init: Callable[..., None]

    def __init__(self, *args: Any, **kwds: Any) -> None:
        self._leases: dict[str, tuple[str, float]] = {}  # by lease: ident, when it ends
        self._local_count: dict[str, int] = {}  # by ident: proxies inside this process
        self._local_dead: deque[str] = deque()  # idents of such proxies that have been collected
        self._local_lock = threading.Lock()
        self._theirs_init(*args, **kwds)

    def _handle_request(self: Any, conn: Any) -> None:
        try:
            self._theirs_handle_request(conn)
        finally:
            self.settle()

    def accept_connection(self: Any, conn: Any, name: str) -> None:
        """Serve the proxies of one thread of a client."""
        threading.current_thread().name = name.removesuffix(MARK)
        conn.send(("#RETURN", None))
        threading.current_thread().serves_ours = name.endswith(MARK)  # type: ignore[attr-defined]
        self.serve_client(conn)

    def serve_client(self: Any, conn: Any) -> None:
        """Answer requests until the client has gone."""
        ours = getattr(threading.current_thread(), "serves_ours", False)
        held = Held(conn)
        try:
            self._serve(conn, held, ours)
        finally:
            held.end()

    def _serve(self: Any, conn: Any, held: Held, ours: bool) -> None:
        while not self.stop_event.is_set():
            try:
                request = conn.recv()
            except (EOFError, OSError):
                sys.exit(0)
            except Exception:  # it does not unpickle, but it has been read whole: the connection is good
                answer: tuple[str, Any] = ("#TRACEBACK", format_exc())
            else:
                if ours and request[:2] == BYE[:2]:
                    held.keep()
                    continue
                answer = self._answer(conn, request, held, ours)
            # Nothing of a request may live on in this frame while it waits for the next (cpython#108155).
            request = None
            self.settle()  # before the client knows: it may look whether all is gone
            self._send(conn, answer)
            del answer
            self.settle()

    def _send(self: Any, conn: Any, answer: tuple[str, Any]) -> None:
        try:
            try:
                conn.send(answer)
            except OSError:
                raise
            except Exception:
                conn.send(("#UNSERIALIZABLE", format_exc()))
        except OSError:  # the client has gone
            conn.close()
            sys.exit(1)

    def _answer(self: Any, conn: Any, request: Any, held: Held, ours: bool) -> tuple[str, Any]:
        try:
            ident, method, args, kwds = request
            obj, exposed, typeids = self._find(ident)
            function = getattr(obj, method, None) if method in exposed else None
            if function is None:
                return "#RETURN", self._fall_back(method, obj, exposed)(self, conn, ident, obj, *args, **kwds)
            try:
                result = function(*args, **kwds)
            except BaseException as error:  # SystemExit too: it is the method's, not this thread's
                if not ours:
                    return "#ERROR", error
                return "#RAISED", pack_error(error)
            if isinstance(obj, LOCKS):
                held.note(obj, method, result)
            typeid = typeids and typeids.get(method)
            if not typeid:
                return "#RETURN", result
            return "#PROXY", self._new_proxy(conn, typeid, result, ours)
        except Exception:
            return "#TRACEBACK", format_exc()

    def _find(self: Any, ident: str) -> Any:
        found = self.id_to_obj.get(ident)
        if found is None or found[0] is None:
            found = self.id_to_local_proxy_obj.get(ident, found)
        if found is None:
            raise KeyError(ident)
        return found

    def _fall_back(self: Any, method: str, obj: Any, exposed: Any) -> Any:
        """What the server itself does for any object: its text, a copy of it."""
        try:
            return self.fallback_mapping[method]
        except KeyError:
            words = f"method {method!r} of {type(obj)!r} object is not in exposed={exposed!r}"
            raise AttributeError(words) from None

    def _new_proxy(self: Any, conn: Any, typeid: str, result: Any, ours: bool) -> tuple[Any, ...]:
        ident, exposed = self.create(conn, typeid, result)
        token = self._token_type(typeid, self.address, ident)
        if not ours:
            return exposed, token
        # A proxy that was sent to another process has no manager there to ask for the type (cpython#99595).
        return exposed, token, self.registry[typeid][-1]

    # -- references ----------------------------------------------------------------------------------

    def lease(self: Any, conn: Any, ident: str) -> str:
        """Hold the object for a proxy that is being pickled; returns what to claim it with."""
        import secrets

        now = time.monotonic()
        for old, (other, end) in list(self._leases.items()):
            if end < now and self._leases.pop(old, None):
                self.decref(conn, other)
        self.incref(conn, ident)
        name = secrets.token_hex(8)
        self._leases[name] = ident, now + LEASE
        return name

    def claim(self: Any, conn: Any, ident: str, lease: str) -> None:
        """A reference for an unpickled proxy: the lease's, or one of its own when that has been claimed."""
        if self._leases.pop(lease, None) is None:
            self.incref(conn, ident)

    def adopt(self: Any, proxy: Any, ident: str, lease: str | None) -> None:
        """Take a proxy that was unpickled inside this process: it keeps the object without being counted."""
        weakref.finalize(proxy, self._local_dead.append, ident).atexit = False
        if lease is not None and self._leases.pop(lease, None):
            self.decref(None, ident)

    def keep_local(self: Any, ident: str) -> None:
        """Before the proxy is made: keep the object in reach also when no client refers to it."""
        with self._local_lock:
            if ident not in self.id_to_local_proxy_obj:
                self.id_to_local_proxy_obj[ident] = self.id_to_obj[ident]
            self._local_count[ident] = self._local_count.get(ident, 0) + 1

    def settle(self: Any) -> None:
        """Let go what only dead proxies of this process have kept.

        A finalizer only writes down, because it may run anywhere, inside a lock of this thread too.
        """
        while self._local_dead:
            try:
                ident = self._local_dead.popleft()
            except IndexError:
                return
            with self._local_lock:
                self._local_count[ident] -= 1
                last = not self._local_count[ident]
                if last:
                    del self._local_count[ident]
                dropped = self.id_to_local_proxy_obj.pop(ident, None) if last else None
            del dropped  # what it holds may write down more


def equip(module: ModuleType) -> None:
    """Give the servers of a managers module these methods."""
    server: Any = module.Server
    server._theirs_init = server.__init__
    server._theirs_handle_request = server._handle_request
    server._token_type = module.Token
    for name, method in vars(Service).items():
        if callable(method):
            setattr(server, name, method)
    for kind in (server, module.SharedMemoryServer):
        kind.public = [*kind.public, "lease", "claim"]
