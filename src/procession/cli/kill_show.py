"""Who is about to be signalled: pid, user, age and command."""

from __future__ import annotations

import shutil
import sys

from procession.cells import cut
from procession.table.columns.printable import printable
from procession.table.match import command_of
from procession.table.users import user_name
from procession.units import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot


def print_table(records: Sequence[ProcessRecord], table: Snapshot) -> None:
    """On a terminal a line each, cut to its width; elsewhere whole."""
    rows = [
        (str(one.pid), printable(user_name(one.uid).encode()), seconds(table.age(one)), command_of(one))
        for one in records
    ]
    rows.insert(0, ("PID", "USER", "AGE", "COMMAND"))
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for pid, user, age, command in rows:
        line = f"{pid:>{widths[0]}} {user:<{widths[1]}} {age:>{widths[2]}} {command}"
        print(line if room is None else cut(line, room))
