"""How a supervised child says that it is ready, and what it has to tell with that.

::

    supervisor                                child
    packet pipe, read end  <── one packet ──  ready("port 8080")
    polled with everything else               the write end came with its arguments

Below no supervisor ``ready`` does nothing, so the same function also runs by itself.
"""

from __future__ import annotations

import os
import pickle

from procession.errors import ChannelClosed, MessageTooLarge
from procession.linux.packets import PACKET_MAX, packet_pipe, read_packet, write_packet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_messenger: Messenger | None = None


def ready(info: Any = None) -> bool:
    """Say that this child is ready, once; False where nobody waits for it.

    ``info`` is shown by ``Supervisor.status()``.  Raises ValueError when it is larger than 4 KB pickled.
    """
    global _messenger
    messenger = _messenger
    if messenger is None or messenger.pid != os.getpid():  # a child of the child speaks for itself only
        return False
    data = pickle.dumps(info)
    try:
        write_packet(messenger.fd, data)
    except MessageTooLarge as error:
        raise ValueError(f"ready(info): {len(data)} bytes pickled, {PACKET_MAX} at most") from error
    except ChannelClosed:
        return False  # the supervisor has given up waiting
    finally:
        _messenger = None
        os.close(messenger.fd)
    return True


class Messenger:
    """The child's end, on its way into the child."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.pid = 0

    def __reduce__(self) -> tuple[object, ...]:
        from procession.ipc.carry import share

        return _arrived, (share(self.fd),)


def _arrived(shared: Any) -> Messenger:
    return Messenger(shared.detach())


class Ear:
    """The supervisor's end."""

    def __init__(self) -> None:
        self.fd, write_fd = packet_pipe()
        self.messenger = Messenger(write_fd)
        os.set_blocking(self.fd, False)

    def launched(self) -> None:
        """The child has its end now, so ours is closed."""
        if self.messenger.fd >= 0:
            os.close(self.messenger.fd)
            self.messenger.fd = -1

    def hear(self) -> tuple[bool, Any]:
        """Has it said so, and what?  Never blocks."""
        try:
            return True, pickle.loads(read_packet(self.fd))
        except (BlockingIOError, ChannelClosed):
            return False, None
        except Exception as error:  # it is ready, only its words are lost
            return True, f"(what it said does not unpickle: {error!r})"

    def close(self) -> None:
        """Done with."""
        self.launched()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def live(
    messenger: Messenger | None,
    target: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> None:
    """What a supervised child does."""
    global _messenger
    _quiet_signals()
    _messenger = messenger
    if messenger is not None:
        messenger.pid = os.getpid()
    target(*args, **kwargs)


def _quiet_signals() -> None:
    # A copy of a supervisor in the foreground has its handlers (see signals.py), and its wake-up pipe.
    import signal

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; the supervisor decides
