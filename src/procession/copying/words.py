"""Errors of single paths, in words."""

from __future__ import annotations

import os


class Changed(Exception):
    """The source did not hold still; a further run will copy it."""


def cause_of(error: BaseException) -> str:
    """Why a path failed, in one phrase."""
    if isinstance(error, Changed):
        return f"{error}: run the copy again"
    if isinstance(error, OSError):
        return error.strerror or os.strerror(error.errno or 0)
    return f"{type(error).__name__}: {error}"


def shown(path: str) -> str:
    """A path that is safe to print: bytes that are not UTF-8 and control characters are escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
