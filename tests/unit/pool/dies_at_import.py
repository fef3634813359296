"""A handler's module that ends the interpreter which imports it, but for the test's own."""

from __future__ import annotations

import os

if "PN_DIE_AT_IMPORT" in os.environ:
    os._exit(23)


def handle(_context: object, number: int) -> int:
    return number
