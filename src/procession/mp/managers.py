"""``multiprocessing.managers``."""

from __future__ import annotations

from procession.ipc.classic import classic, rest_of

__getattr__ = rest_of("managers")
_theirs = classic("managers")
__all__ = list(_theirs.__all__)  # noqa: PLE0605
