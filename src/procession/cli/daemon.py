"""``pn daemon``: what looks after the jobs: start, stop, upgrade, ask, install."""

from __future__ import annotations

import os
import sys

from procession.cli.job_talk import talk
from procession.cli.options import Command, Option, parse
from procession.cli.say import say
from procession.cli.times import seconds_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

_ACTS = ("start", "stop", "restart", "status", "install")


def _idle(word: str) -> float:
    return -1.0 if word == "never" else seconds_of(word)


_idle.__name__ = "time such as 10m, or never"  # argparse puts the function's name into its message

COMMAND = Command(
    verb="daemon",
    usage="pn daemon start|stop|restart|status|install",
    summary="""\
The daemon that looks after your jobs.  It starts by itself with the first job, there is one for each user, and it may
be killed at any moment: running jobs go on, and the next one knows all that happened.""",
    words="ACT",
    words_help="""start: if it does not run; stop: running jobs go on, waiting ones wait for the next start;
restart: upgrade to the version that is installed now, jobs go on; status; install: a systemd unit for this user""",
    options=(
        Option(("--end-jobs",), "end", "with stop: end all running jobs, too"),
        Option(("--idle",), "idle", "with start: end when there was nothing to do so long; never (the default)", "TIME", _idle),
        Option(("--json",), "json", "with status: one JSON object"),
    ),
    epilog="""\
examples:
  pn daemon status
  pn daemon restart            after an upgrade of procession
  pn daemon start --idle 10m
  pn daemon install            then: systemctl --user enable --now procession.service

exit codes:
  0 done    1 it could not be done; with status: it does not run    2 usage""",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Run ``pn daemon``; returns the exit code."""
    values = parse(COMMAND, argv)
    if len(values["words"]) != 1 or values["words"][0] not in _ACTS:
        say("daemon", f"one of {', '.join(_ACTS)} is wanted: see pn daemon --help")
        return 2
    act = values["words"][0]
    for option, of in (("end", "stop"), ("idle", "start"), ("json", "status")):
        if act != of and values[option] not in (None, False):
            say("daemon", f"--{'end-jobs' if option == 'end' else option} goes with {of} only")
            return 2
    if act == "install":
        return _install()
    if act in ("stop", "status") and not _runs():
        return _not_there(act, as_json=values["json"])
    return talk("daemon", lambda client: _DO[act](client, values))


def _runs() -> bool:
    """Does somebody listen?  Nothing is started."""
    import socket

    from procession.errors import JobsError
    from procession.jobs.places import places

    try:
        path = places().socket
    except JobsError as error:
        say("daemon", str(error))
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(path)
        except OSError:
            return False
    return True


def _not_there(act: str, *, as_json: bool) -> int:
    if as_json:
        print('{"running": false}')
    else:
        print("the daemon does not run; it starts with the next job")
    return 0 if act == "stop" else 1


def _start(client: Client, values: dict[str, Any]) -> int:
    if values["idle"] is not None:
        client.request("configure", idle=None if values["idle"] < 0 else values["idle"])
    status = client.request("status")
    print(f"the daemon runs: pid {status['pid']}")
    _warn(status)
    return 0


def _stop(client: Client, values: dict[str, Any]) -> int:
    client.request("halt", jobs="end" if values["end"] else "leave")
    return 0


def _restart(client: Client, _: dict[str, Any]) -> int:
    client.request("replace")
    return talk("daemon", lambda again: _start(again, {"idle": None}))


def _status(client: Client, values: dict[str, Any]) -> int:
    status = client.request("status")
    status.pop("id", None)
    if values["json"]:
        import json

        print(json.dumps({"running": True, **status}))
        return 0
    from procession.cli.daemon_lines import status_lines

    for line in status_lines(status):
        print(line)
    _warn(status)
    return 0


def _warn(status: dict[str, Any]) -> None:
    for warning in status.get("warnings") or ():
        say("daemon", str(warning))


def _install() -> int:
    from procession.cli.daemon_unit import NAME, install

    try:
        path = install()
    except (OSError, ValueError) as error:
        say("daemon", f"the unit could not be written: {error}")
        return 1
    print(f"{path} is written.  What is left to do:")
    print("  systemctl --user daemon-reload")
    print(f"  systemctl --user enable --now {NAME}")
    print("  loginctl enable-linger            that jobs go on after logout, and come back after a reboot")
    if not os.path.isdir("/run/systemd/system"):  # sd_booted(3)
        print("pn daemon: systemd does not run here: nobody will read the unit", file=sys.stderr)
    return 0


_DO = {"start": _start, "stop": _stop, "restart": _restart, "status": _status}
