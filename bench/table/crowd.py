"""So many processes that sleep, of a small interpreter each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CODE = """
import os, signal, sys
for _ in range(int(sys.argv[1])):
    if not os.fork():
        signal.pause()
        os._exit(0)
os.write(1, b"x")
sys.stdin.read()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.killpg(0, signal.SIGTERM)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@contextmanager
def crowd(count: int) -> Iterator[None]:
    """They are there inside the block, in a process group of their own."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _CODE, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    ) as program:
        assert program.stdout is not None
        if program.stdout.read(1) != b"x":
            raise RuntimeError(f"{count} processes cannot be made here: see ulimit -u")
        yield
        program.communicate()
