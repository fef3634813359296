"""``pn ps --json``: one object a line, with exact values."""

from __future__ import annotations

import json
import sys

from procession.cli.ps_formats import slots as slots_of
from procession.cli.ps_request import Improper
from procession.cli.ps_show import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.cli.ps_formats import Key
    from procession.cli.ps_request import Request
    from procession.table.layout import Slot

_USUAL = (
    "pid,ppid,pgid,sid,user,uid,group,gid,state,stat,nlwp,nice,priority,pcpu,pmem,time,lstart,etimes,rss,vsz,tty,"
    "wchan,cgroup,role,comm,args"
)


def run(request: Request, slots: list[Slot], keys: list[Key]) -> int:
    """The exit code.  Without a format of the user's, all that one usually wants.  Raises Improper."""
    if request.watch is not None:
        raise Improper("--json and --watch cannot be used together")
    if not (request.formats or request.modifiers or any(kind != "sort" for kind, _ in request.own)):
        slots = slots_of(_USUAL)
    found = listing(request, slots, keys)
    columns = [slot.column for slot in slots if slot.column is not None]
    values = [(column.name, column.value(found.view)) for column in columns]
    for record, _ in found.rows:
        boot_id, pid, start = record.identity
        identity: dict[str, object] = {"boot_id": boot_id, "pid": pid, "start": start}
        if request.threads:
            identity["tid"] = record.tid
        line = {"identity": identity, **{name: get(record) for name, get in values}}
        sys.stdout.write(json.dumps(line) + "\n")
    return 0 if found.rows else 1
