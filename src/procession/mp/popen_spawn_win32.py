"""``multiprocessing.popen_spawn_win32``: not here, as in the standard library on Linux."""

from __future__ import annotations

raise ImportError("popen_spawn_win32 is for Windows", name=__name__)
