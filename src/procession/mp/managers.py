"""``multiprocessing.managers``: the standard library's, with better servers and clients.

Its source runs a second time among our neighbours (see again); what manager_server and manager_proxy define
takes the place of what it has.
"""

from __future__ import annotations

from procession.errors import ManagerDied
from procession.mp import manager_proxy, manager_server
from procession.mp.again import again, rest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BaseManager", "BaseProxy", "ManagerDied", "SharedMemoryManager", "SyncManager", "Token"]

_theirs: Any = again("managers")
__getattr__ = rest_of(_theirs)
manager_server.equip(_theirs)
manager_proxy.equip(_theirs)

if TYPE_CHECKING:
    from multiprocessing.managers import BaseManager, BaseProxy, SharedMemoryManager, SyncManager, Token
else:
    BaseManager = _theirs.BaseManager
    BaseProxy = _theirs.BaseProxy
    SharedMemoryManager = _theirs.SharedMemoryManager
    SyncManager = _theirs.SyncManager
    Token = _theirs.Token

_their_start = _theirs.BaseManager.start


def _start(self: Any, initializer: Any = None, initargs: Any = ()) -> None:
    """Start the server's process; ManagerDied when it ends before it serves."""
    try:
        _their_start(self, initializer, initargs)
    except EOFError as error:
        words = manager_proxy.exit_words(self) or "its process ended"
        raise ManagerDied(self._address, self._process.pid, f"{words} before it could serve") from error


_theirs.BaseManager.start = _start
_start.__name__ = _start.__qualname__ = "start"
