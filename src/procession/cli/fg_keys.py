"""What keys mean to whom is attached to a job: bytes of a terminal in, acts out.  Pure."""

from __future__ import annotations

SEND, DETACH, INTERRUPT, SUSPEND = "send", "detach", "interrupt", "suspend"

# Ctrl-\ as every terminal sends it; as one does that reports all keys as CSI u, and as xterm's modifyOtherKeys.
# A program may have asked for these forms, and they must not take the way out.
_DETACH = (b"\x1c", b"\x1b[92;5u", b"\x1b[27;5;92~")
_INTERRUPT, _SUSPEND = b"\x03", b"\x1a"


def acts_of(data: bytes, *, through: bool) -> list[tuple[str, bytes]]:
    """What is to be done, in order, as (act, bytes).  ``through``: the job has a terminal and gets all keys but Ctrl-\\;
    otherwise Ctrl-C and Ctrl-Z are signals, and nothing else has a meaning."""
    at, cut = _first(data)
    keys, left = data[:at], [(DETACH, b"")] if cut else []
    if through:
        return [*([(SEND, keys)] if keys else []), *left]
    meant = {_INTERRUPT: INTERRUPT, _SUSPEND: SUSPEND}
    found = [(meant[key], b"") for key in (keys[i : i + 1] for i in range(len(keys))) if key in meant]
    return [*found, *left]


def _first(data: bytes) -> tuple[int, bool]:
    """Where the first wish to detach begins, and whether there is one."""
    found = [at for at in (data.find(key) for key in _DETACH) if at >= 0]
    return (min(found), True) if found else (len(data), False)
