"""From an errno to an error that can be caught by name.

``raise typed(error, "pid 7") from error``: the new error carries the same ``errno`` attribute and has
the original as its ``__cause__``.  An errno that has no name here comes back as the very same OSError.
"""

from __future__ import annotations

import errno
import os

from procession import errors

_PROCESS: dict[int, type[OSError]] = {
    errno.ESRCH: errors.NoSuchProcess,
    errno.EPERM: errors.NotPermitted,
    errno.ECHILD: errors.NotOurChild,
}
_CHANNEL: dict[int, type[errors.ProcessionError]] = {
    errno.EMSGSIZE: errors.MessageTooLarge,
    errno.EPIPE: errors.ChannelClosed,
    errno.ECONNRESET: errors.ChannelClosed,
}
UNSUPPORTED = frozenset({errno.ENOSYS, errno.EOPNOTSUPP})


def typed(error: OSError, what: str) -> Exception:
    """The error of our own family for ``error``; ``what`` says which pid, channel or feature it speaks of."""
    number = error.errno
    if number is None:
        return error
    words = f"{what}: {os.strerror(number)}"
    if number in _PROCESS:
        return _PROCESS[number](number, words)
    if number in UNSUPPORTED:
        return with_errno(errors.Unsupported(what, os.strerror(number)), number)
    if number in _CHANNEL:
        return with_errno(_CHANNEL[number](words), number)
    return error


def with_errno(error: errors.ProcessionError, number: int) -> errors.ProcessionError:
    """Give an error that is no OSError the ``errno`` attribute that one would have."""
    vars(error)["errno"] = number
    return error
