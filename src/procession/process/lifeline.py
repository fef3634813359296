"""The keepalive pipe of this process, which all its children hang on (linux/keepalive.py)."""

from __future__ import annotations

import os

from procession.linux.keepalive import Keepalive, open_keepalive

_ours: Keepalive | None = None


def lifeline() -> Keepalive:
    """The pipe, made with the first child."""
    global _ours
    if _ours is None:
        _ours = open_keepalive()
    return _ours


def _in_forked_child() -> None:
    """Whoever forks (we or the user): a copy of the write end would keep our children alive without us."""
    global _ours
    if _ours is not None:
        os.close(_ours.write_fd)
        # The read end stays: a child of ours is about to arm it, and it does no harm in anybody else's.
        _ours = None


os.register_at_fork(after_in_child=_in_forked_child)
