"""What can be asked of the daemon, one function a request: ``(daemon, asker, message) -> answer``.

An answer is an object, or bytes for a D frame, or None: it comes later.  Raises JobsError (refused, NoSuchJob) or
Malformed, before anything has been changed.
"""

from __future__ import annotations

from functools import partial

from procession.jobs.requests import changing, control, listing, running, submit, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.jobs.daemon import Daemon
    from procession.jobs.daemon_desk import Answer, Asker, Handler

_ALL: dict[str, Callable[[Daemon, Asker, dict[str, Any]], Answer]] = {
    "submit": submit.submit,
    "find": listing.find,
    "list": listing.list_,
    "table": listing.table_,
    "show": listing.show,
    "kill": control.kill,
    "stop": control.stop,
    "cont": control.cont,
    "type": control.type_,
    "restart": control.restart,
    "touch": control.touch,
    "edit": changing.edit,
    "group": changing.group,
    "clean": changing.clean,
    "history": changing.history,
    "wait": waiting.wait,
    "watch": waiting.watch,
    "status": running.status,
    "configure": running.configure,
    "halt": running.halt,
    "replace": running.replace,
    "fault": running.fault,
}


def handlers(daemon: Daemon) -> dict[str, Handler]:
    """By the word in ``do``."""
    return {name: partial(does, daemon) for name, does in _ALL.items()}
