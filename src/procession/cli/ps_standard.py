"""The columns of a listing: the user's own, or those of -f, l, u and so on, with what other options add to them."""

from __future__ import annotations

import os
import sys

from procession.cli.ps_formats import Own, slot, slots
from procession.cli.ps_request import Improper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.cli.ps_formats import Key
    from procession.cli.ps_request import Request
    from procession.table.layout import Slot

_BSD = {
    "j": "ppid,pid,pgid,sid,tname,tpgid,stat,uid,bsdtime,args",
    "l": "flags,uid,pid,ppid,priority,nice,vsz,rss,wchan,stat,tname,bsdtime,args",
    "s": "uid,pid,pending,sig_block,sig_ignore,caught,stat,tname,bsdtime,args",
    "u": "user,pid,pcpu,pmem,vsz,rss,tname,stat,start_time,bsdtime,args",
    "v": "pid,tname,stat,bsdtime,maj_flt,m_trs,m_drs,rss,pmem,args",
    "X": "pid,start_stack,esp,eip,timeout,alarm,stat,tname,bsdtime,args",
    "--context": "pid,context,command",
}
_FOR_WORDS = "user,pid,pcpu,pmem,rss,stat,start_time,time,args"


def columns(request: Request) -> tuple[list[Slot], list[Key]]:
    """And the sort keys.  Raises Improper."""
    own = Own(request)
    return (own.slots and _only(request, own.slots)) or _standard(request), own.keys


def _only(request: Request, found: list[Slot]) -> list[Slot]:
    if request.formats:
        raise Improper("several formats cannot be had at once")
    if request.modifiers:
        raise Improper("options that change a standard format cannot be used with columns of your own")
    if _thread_lines_and_columns(request):
        raise Improper("-L and -T with H, m or -m cannot be used with columns of your own")
    return found


def _thread_lines_and_columns(request: Request) -> bool:
    """-L or -T only add columns where another option has chosen how threads are shown."""
    return bool(request.threads & {"-L", "-T"} and request.threads & {"m", "-m", "H"})


def _standard(request: Request) -> list[Slot]:
    if not request.formats and not request.modifiers:
        wanted = os.environ.get("PS_FORMAT")
        if wanted:
            try:
                return slots(wanted)
            except Improper as error:
                print(f"pn ps: PS_FORMAT is ignored: {error}", file=sys.stderr)
        if request.words:
            return slots(_FOR_WORDS)
    formats = request.formats
    if formats <= {"-f", "-l"}:
        return _unix(request)
    if len(formats) > 1:
        raise Improper("several formats cannot be had at once")
    return _modified(slots(_BSD[next(iter(formats))]), request)


def _unix(request: Request) -> list[Slot]:
    """Column by column, since each option adds some."""
    full, long = "-f" in request.formats, "-l" in request.formats
    has, threads = request.modifiers.__contains__, request.threads
    if has("-y") and not long:
        raise Improper("-y makes sense with -l only")
    names = [
        ("label", has("-M")),
        ("f", long and not has("-y")),
        ("s", long),
        ("uid_hack", full),
        ("uid", long and not full),
        ("pid", True),
        ("spid", "-T" in threads),
        ("ppid", full or long),
        ("pgid", has("-j")),
        ("sid", has("-j")),
        ("lwp", "-L" in threads),
        ("psr", has("-P")),
        ("c", (full or long) and not has("-c")),
        ("nlwp", "-L" in threads and full),
        ("class", has("-c")),
        ("pri", has("-c")),
        ("opri", long and not has("-c")),
        ("ni", long and not has("-c")),
        ("rss", long and has("-y")),
        ("addr_1", long and not has("-y")),
        ("sz", long or has("-F")),
        ("wchan", long),
        ("rss", has("-F") and not (long and has("-y"))),
        ("psr", has("-F") and not has("-P")),
        ("stime", full),
        ("tname", True),
        *_last(request, full, long),
    ]
    return [slot(name) for name, wanted in names if wanted]


def _last(request: Request, full: bool, long: bool) -> list[tuple[str, bool]]:
    if request.bsd:
        return [("stat", not long), ("bsdtime", True), ("cmd" if full or long else "args", True)]
    return [("time", True), ("cmd" if full else "ucmd", True)]


def _modified(found: list[Slot], request: Request) -> list[Slot]:
    """A BSD format with options of Unix."""
    has = request.modifiers.__contains__
    if has("-j"):
        if not (_after(found, ("PPID",), "pgid") or _after(found, ("PID",), "pgid")):
            raise Improper("-j has no PID to follow in this format")
        _after(found, ("PGID",), "sid")
    if has("-y"):
        found = [each for each in found if each.heading != "F"]
    if has("-c"):
        found = [each for each in found if each.heading not in ("%CPU", "CPU", "CP", "C", "NI")]
        if not _after(found, ("PRI",), "class"):
            raise Improper("-c has no PRI to follow in this format")
        found = [each for each in found if each.heading != "PRI"]
        _after(found, ("CLS",), "pri")
    if "-T" in request.threads:
        _after(found, ("PID",), "spid")
    if "-L" in request.threads:
        _after(found, ("SID", "SESS", "PGID", "PGRP", "PPID", "PID"), "lwp")
        _after(found, ("%CPU",), "nlwp")
    return [slot("label"), *found] if has("-M") else found


def _after(found: list[Slot], headings: tuple[str, ...], name: str) -> bool:
    """Put a column behind the first of these that there is."""
    for heading in headings:
        for at, each in enumerate(found):
            if each.heading == heading:
                found.insert(at + 1, slot(name))
                return True
    return False
