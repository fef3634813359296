"""What the workers are asked to do."""

from __future__ import annotations

import os
import time
from typing import Any


def same(value: Any) -> Any:
    """Nothing, so that only the pool's own cost is left."""
    return value


def one_more(array: Any) -> Any:
    """A new array of the same size."""
    return array + 1


def nap(seconds: float) -> float:
    """Sleep, and say how long that took."""
    begun = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - begun


def doomed(fifo: str) -> None:
    """Say who we are to somebody who will kill us, and wait for it."""
    with open(fifo, "wb", 0) as file:
        file.write(b"%d" % os.getpid())
    time.sleep(60)
