"""Processes on Linux: see them, control them, create them.

The public names are listed here and live below; each is loaded when it is first used (PEP 562), so that
``import procession`` costs nothing::

    from procession import copy

    report = copy("photos", "/mnt/backup")
    print(report.files, report.failed)
"""

from __future__ import annotations

from procession._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.copying.api import copy as copy
    from procession.copying.report import CopyReport as CopyReport
    from procession.errors import ChannelClosed as ChannelClosed
    from procession.errors import CopyError as CopyError
    from procession.errors import CopyFailed as CopyFailed
    from procession.errors import CrewBroken as CrewBroken
    from procession.errors import IntoItself as IntoItself
    from procession.errors import MessageTooLarge as MessageTooLarge
    from procession.errors import NoSuchProcess as NoSuchProcess
    from procession.errors import NotOurChild as NotOurChild
    from procession.errors import NotPermitted as NotPermitted
    from procession.errors import PoolError as PoolError
    from procession.errors import ProcessionError as ProcessionError
    from procession.errors import RemoteError as RemoteError
    from procession.errors import SameFile as SameFile
    from procession.errors import TaskCancelled as TaskCancelled
    from procession.errors import Unsupported as Unsupported
    from procession.errors import WorkerDied as WorkerDied

__all__ = [
    "ChannelClosed",
    "CopyError",
    "CopyFailed",
    "CopyReport",
    "CrewBroken",
    "IntoItself",
    "MessageTooLarge",
    "NoSuchProcess",
    "NotOurChild",
    "NotPermitted",
    "PoolError",
    "ProcessionError",
    "RemoteError",
    "SameFile",
    "TaskCancelled",
    "Unsupported",
    "WorkerDied",
    "__version__",
    "copy",
]

# Where a public name lives; one that is not listed here is an error class.
_HOME = {
    "copy": "procession.copying.api",
    "CopyReport": "procession.copying.report",
}


if not TYPE_CHECKING:  # a type checker knows the names above and no others

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_HOME.get(name, "procession.errors")), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
