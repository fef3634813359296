"""The systemd unit of a user's jobs: its text, and where it lies."""

from __future__ import annotations

import os
import sys

NAME = "procession.service"

# oneshot: what `pn daemon start` leaves behind has left its process tree.  KillMode=process: stopping or restarting
# the unit leaves the jobs alone.  Delegate: limits of jobs by control groups of their own (systemd.resource-control(5)).
_TEXT = """\
[Unit]
Description=Background jobs (pn)

[Service]
Type=oneshot
RemainAfterExit=yes
{environment}ExecStart={program} daemon start
ExecReload={program} daemon restart
ExecStop={program} daemon stop
KillMode=process
Delegate=yes

[Install]
WantedBy=default.target
"""


def unit_text(program: tuple[str, ...], variables: dict[str, str]) -> str:
    """The unit that starts ``program``, which is absolute, with these variables in its environment."""
    environment = "".join(
        f"Environment={_quoted(f'{name}={value}').replace('$$', '$')}\n" for name, value in variables.items()
    )
    return _TEXT.format(program=" ".join(map(_quoted, program)), environment=environment)


def _quoted(word: str) -> str:
    """One word of a command line of systemd.service(5): specifiers and variables mean themselves."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if set(word) & set(" \t'\"\\;") else escaped


def unit_path() -> str:
    """Of this user."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = home if home.startswith("/") else os.path.expanduser("~/.config")
    return f"{base}/systemd/user/{NAME}"


def install() -> str:
    """Write it; returns the path.  Raises OSError; ValueError for a path that no unit can hold."""
    program = (sys.executable, "-m", "procession")
    variables = {name: os.environ[name] for name in ("PN_JOBS",) if name in os.environ}
    text, path = unit_text(program, variables), unit_path()
    if not all(c.isprintable() or c == "\n" for c in text) or "\n" in "".join(
        (*program, *variables.values())
    ):
        raise ValueError(f"{program[0]!r} cannot stand in a unit")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)
    return path
