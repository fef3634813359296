"""Where systemd has put it: told by the path of its control group, as sd-login(3) reads it.

::

    /user.slice/user-1000.slice/session-3.scope                          a login session of user 1000
    /user.slice/user-1000.slice/user@1000.service/app.slice/x.service    a unit of the user's own manager
    /system.slice/cron.service                                           a unit of the system
"""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import LEFT, Column
from procession.table.columns.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord

_UNITS = (
    ".service", ".socket", ".target", ".device", ".mount", ".automount", ".swap", ".timer", ".path", ".slice",
    ".scope",
)  # fmt: skip
_ROOT_SLICE = "-.slice"


def path_of(data: bytes) -> str | None:
    """The path in systemd's hierarchy: that of v1 by name, else v2."""
    unified = None
    for line in data.decode("utf-8", "replace").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "name=systemd":
            return path
        if not controllers and path:
            unified = path
    return unified


class Place:
    """What one path says; None: nothing."""

    def __init__(self, path: str) -> None:
        parts = [part.removeprefix("_") for part in path.split("/") if part]
        slices = _leading_slices(parts)
        rest = parts[len(slices) :]
        self.slice = slices[-1] if slices else _ROOT_SLICE
        self.unit = rest[0] if rest and rest[0].endswith(_UNITS) else None
        self.session: str | None = None
        self.user_unit: str | None = None
        if self.unit and self.unit.startswith("session-") and self.unit.endswith(".scope"):
            self.session = self.unit[len("session-") : -len(".scope")]
        elif self.unit and self.unit.startswith("user@") and self.unit.endswith(".service"):
            inner = rest[1:]
            inner = inner[len(_leading_slices(inner)) :]
            self.user_unit = inner[0] if inner and inner[0].endswith(_UNITS) else None
        self.owner = next(
            (part[5:-6] for part in slices if part.startswith("user-") and part[5:-6].isdecimal()), None
        )


def _leading_slices(parts: list[str]) -> list[str]:
    count = 0
    while count < len(parts) and parts[count].endswith(".slice"):
        count += 1
    return parts[:count]


def _seat(place: Place) -> str | None:
    return _of_session(place, "SEAT")


def _of_session(place: Place, name: str) -> str | None:
    """From the file that logind keeps of each session."""
    if place.session is None:
        return None
    return _entry(f"/run/systemd/sessions/{place.session}", name)


def _machine(place: Place) -> str | None:
    """From the file that machined keeps of each scope or service that is a container or a virtual machine."""
    if place.unit is None:
        return None
    return _entry(f"/run/systemd/machines/unit:{place.unit}", "NAME")


def _entry(path: str, name: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.rstrip("\n").partition("=")
                if key == name and value:
                    return value
    except OSError:
        pass
    return None


def _column(name: str, heading: str, width: int, get: Callable[[Place], str | None]) -> Column:
    def value(view: View) -> Value:
        known: dict[bytes, str | None] = {}

        def found(record: ProcessRecord) -> str | None:
            data = record.read(files.CGROUP) or b""
            if data not in known:
                path = path_of(data)
                known[data] = get(Place(path)) if path is not None else None
            return known[data]

        return found

    def text(view: View) -> Text:
        found = value(view)
        return lambda record: printable((found(record) or "-").encode(errors="replace"), view.utf8)

    return Column(name, heading, width, LEFT, text, value, (files.CGROUP,), text)


COLUMNS = (
    _column("unit", "UNIT", 31, lambda place: place.unit),
    _column("uunit", "UUNIT", 31, lambda place: place.user_unit),
    _column("slice", "SLICE", 31, lambda place: place.slice),
    _column("lsession", "SESSION", 11, lambda place: place.session),
    _column("ouid", "OWNER", 5, lambda place: place.owner),
    _column("seat", "SEAT", 11, _seat),
    _column("machine", "MACHINE", 31, _machine),
)
