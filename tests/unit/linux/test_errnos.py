from __future__ import annotations

import errno
import os

import pytest

from procession import errors
from procession.linux import libc
from procession.linux.errnos import typed


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ESRCH, errors.NoSuchProcess),
        (errno.EPERM, errors.NotPermitted),
        (errno.ECHILD, errors.NotOurChild),
        (errno.ENOSYS, errors.Unsupported),
        (errno.EOPNOTSUPP, errors.Unsupported),
        (errno.EMSGSIZE, errors.MessageTooLarge),
        (errno.EPIPE, errors.ChannelClosed),
        (errno.ECONNRESET, errors.ChannelClosed),
    ],
)
def test_each_errno_has_its_name_and_is_kept(number: int, kind: type[Exception]) -> None:
    error = typed(OSError(number, "words"), "pid 7")
    assert type(error) is kind
    assert error.errno == number  # type: ignore[attr-defined]
    assert "pid 7" in str(error)


@pytest.mark.parametrize("original", [OSError(errno.EIO, "words"), OSError("no number")])
def test_other_errors_come_back_as_they_are(original: OSError) -> None:
    assert typed(original, "file") is original


def test_libc_failures_carry_their_errno() -> None:
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        libc.call("close", -1)
    assert caught.value.errno == errno.EBADF


def test_libc_results_come_back() -> None:
    assert libc.call("getpid") == os.getpid()


def test_a_function_that_libc_lacks_is_enosys() -> None:
    with pytest.raises(OSError, match="no function") as caught:
        libc.call("procession_has_no_such_function")
    assert caught.value.errno == errno.ENOSYS
