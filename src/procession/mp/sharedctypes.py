"""``multiprocessing.sharedctypes``: the shared values of procession.ipc under their classic name."""

from __future__ import annotations

from procession.ipc.classic import rest_of
from procession.ipc.sharedctypes import Array, RawArray, RawValue, Value, copy, synchronized

__all__ = ["Array", "RawArray", "RawValue", "Value", "copy", "synchronized"]
__getattr__ = rest_of("sharedctypes")
