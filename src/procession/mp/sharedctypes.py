"""``multiprocessing.sharedctypes``: the shared values of procession.ipc under their classic name."""

from __future__ import annotations

from procession.ipc.classic import rest_of

try:
    from procession.ipc.sharedctypes import Array, RawArray, RawValue, Value, copy, synchronized
except ImportError:
    from procession.ipc.classic import classic

    Array, RawArray, RawValue, Value, copy, synchronized = (
        getattr(classic("sharedctypes"), n)
        for n in ("Array", "RawArray", "RawValue", "Value", "copy", "synchronized")
    )

__all__ = ["Array", "RawArray", "RawValue", "Value", "copy", "synchronized"]
__getattr__ = rest_of("sharedctypes")
