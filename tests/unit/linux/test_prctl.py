from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from procession.errors import Unsupported
from procession.linux import pidfd, prctl, procfs

Fork = Callable[[Callable[[], object]], Any]


def test_a_subreaper_inherits_orphans(fork: Fork) -> None:
    def body() -> int:
        assert not prctl.is_child_subreaper()
        prctl.set_child_subreaper()
        assert prctl.is_child_subreaper()
        reader, writer = os.pipe()
        middle = os.fork()
        if middle == 0:
            pid = os.fork()
            if pid == 0:
                signal.pause()
            os.write(writer, b"%d" % pid)
            os._exit(0)
        os.waitpid(middle, 0)
        orphan = int(os.read(reader, 20))
        assert procfs.read_stat(orphan).ppid == os.getpid()
        fd = pidfd.open_pidfd(orphan)
        pidfd.send_signal(fd, signal.SIGKILL)
        status = pidfd.reap(fd)
        assert status is not None
        prctl.set_child_subreaper(False)
        assert not prctl.is_child_subreaper()
        return status.signal or 0

    assert fork(body).reap().code == 9


def test_the_parent_death_signal_arrives(fork: Fork) -> None:
    reader, writer = os.pipe()

    def parent() -> int:
        armed, arm = os.pipe()
        if os.fork() == 0:
            prctl.set_parent_death_signal(signal.SIGKILL)
            os.write(arm, b"x")
            signal.pause()
        os.read(armed, 1)
        return 0

    assert fork(parent).reap().code == 0
    os.close(writer)
    assert os.read(reader, 1) == b""  # the end: the grandchild held the last write end
    os.close(reader)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("worker-1", b"worker-1"),
        (b"\xff)( ", b"\xff)( "),
        ("a name of over 15 bytes", b"a name of over "),
        ("", b""),
    ],
)
@pytest.mark.parametrize("proc", [True, False])
def test_a_name_is_shown(
    name: str | bytes, seen: bytes, proc: bool, fork: Fork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise FileNotFoundError

    def body() -> bool:
        with monkeypatch.context() as patch:
            if not proc:
                patch.setattr(os, "open", refuse)
            prctl.set_process_name(name)
        return procfs.read_stat(os.getpid()).comm != seen

    assert fork(body).reap().code == 0


def test_a_name_holds_no_zero_byte() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        prctl.set_process_name(b"a\0b")


def test_a_kernel_without_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSYS, "words")

    monkeypatch.setattr(prctl, "call", refuse)
    with pytest.raises(Unsupported, match="SUBREAPER"):
        prctl.set_child_subreaper()
