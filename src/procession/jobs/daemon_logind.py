"""Will systemd-logind end our jobs when their user logs out?  logind.conf(5), KillUserProcesses; loginctl(1), linger.

Read from the files, without a bus: what logind was started with may differ until it reads them again.
"""

from __future__ import annotations

import os

_FOLDERS = (
    "/usr/lib/systemd",
    "/usr/local/lib/systemd",
    "/run/systemd",
    "/etc/systemd",
)  # the later ones win
_TRUE = frozenset(("1", "yes", "y", "true", "t", "on"))


def warning(root: str = "", *, cgroup: str | None = None) -> str:
    """One line, or "".  ``root``: in front of all paths, for tests; ``cgroup``: our line of /proc/self/cgroup."""
    if not os.path.isdir(f"{root}/run/systemd/system"):  # sd_booted(3)
        return ""
    if not os.path.isdir(f"{root}/run/systemd/seats") and not os.path.isdir(f"{root}/run/systemd/sessions"):
        return ""
    if not _in_session(_read(f"{root}/proc/self/cgroup") if cgroup is None else cgroup):
        return ""
    user = _user()
    if os.path.exists(f"{root}/var/lib/systemd/linger/{user}") or not kills_user_processes(root, user):
        return ""
    return (
        "systemd ends the processes of a user who logs out (KillUserProcesses=yes), and so these jobs: "
        "allow them to stay with loginctl enable-linger, and start the daemon with pn daemon install"
    )


def _in_session(cgroup: str) -> bool:
    """Are we in the scope of a login session?  Only those are ended."""
    return any("session-" in line and ".scope" in line for line in cgroup.splitlines())


def kills_user_processes(root: str, user: str) -> bool:
    """As the files say for this user; by default: no."""
    values = {"KillUserProcesses": "no", "KillOnlyUsers": "", "KillExcludeUsers": "root"}
    for path in _files(root):
        for line in _read(path).splitlines():
            name, sign, value = line.strip().partition("=")
            if sign and name.strip() in values:
                values[name.strip()] = value.strip()
    only = values["KillOnlyUsers"].split()
    if user in values["KillExcludeUsers"].split() or (only and user not in only):
        return False
    return values["KillUserProcesses"].lower() in _TRUE


def _files(root: str) -> list[str]:
    """The main file of the strongest folder, then all drop-ins by their names."""
    mains = [f"{root}{folder}/logind.conf" for folder in _FOLDERS]
    found = [path for path in mains if os.path.exists(path)][-1:]
    drop_ins = {}
    for folder in _FOLDERS:
        below = f"{root}{folder}/logind.conf.d"
        try:
            names = os.listdir(below)
        except OSError:
            continue
        drop_ins.update({name: f"{below}/{name}" for name in names if name.endswith(".conf")})
    return [*found, *(drop_ins[name] for name in sorted(drop_ins))]


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
