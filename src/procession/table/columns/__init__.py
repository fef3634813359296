"""The columns, by name.  Each file here holds those of one source; it is loaded when one of them is wanted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.columns.base import Column

# File to the names in it: a test holds this against the files.
FILES = {
    "addresses": "stackp start_stack esp eip",
    "autogroup": "ag_id ag_nice",
    "cgroup": "cgroup cgname lxc",
    "command": "args cmd command comm ucmd ucomm fname exe",
    "cpu": "pcpu %cpu c util cp cuu cuc",
    "faults": "min_flt minflt maj_flt majflt pagein",
    "groups": "supgid supgrp",
    "ids": (
        "user uname uid_hack euser ruser suser svuser fuser fsuser group egroup rgroup sgroup svgroup "
        "fgroup fsgroup uid euid ruid suid svuid fuid fsuid gid egid rgid sgid svgid fgid fsgid"
    ),
    "io": "rbytes wbytes wcbytes rchars wchars rops wops",
    "label": "label context zone",
    "login": "luid",
    "memory": (
        "vsz vsize sz m_size rss rssize rsz sgi_rss size trs trss tsiz m_trs drs dsiz m_drs pmem %mem lim"
    ),
    "namespaces": "cgroupns ipcns mntns netns pidns timens userns utsns",
    "nothing": (
        "addr addr_1 alarm timeout tmout nwchan cmaj_flt cmin_flt cutime cstime utime resident share"
    ),
    "oom": "oom oomadj",
    "pids": "pid tgid lwp spid tid ppid pgid pgrp sess session sid tpgid nlwp thcount",
    "priority": (
        "pri opri intpri priority pri_foo pri_bar pri_baz pri_api ni nice class cls policy sched rtprio"
    ),
    "processor": "psr cpuid lastcpu sgi_p numa",
    "role": "role what",
    "shares": "pss uss",
    "signals": (
        "pending sig sig_pend tsig blocked sigmask sig_block ignored sigignore sig_ignore caught sigcatch "
        "sig_catch"
    ),
    "starts": "stime start_time start bsdstart lstart etime etimes",
    "state": "s state stat f flag flags",
    "systemd": "unit uunit slice lsession ouid seat machine",
    "terminal": "tty tt tname longtname tty8 tty4",
    "times": "time atime cputime cputimes times bsdtime",
    "wchan": "wchan wname",
}

_known: dict[str, Column] = {}
_file_of: dict[str, str] = {name: file for file, names in FILES.items() for name in names.split()}


def column(name: str) -> Column | None:
    """The column of that name; None when there is none."""
    if name not in _known:
        file = _file_of.get(name)
        if file is None:
            return None
        import sys

        module = f"{__name__}.{file}"
        __import__(module)
        _known.update({each.name: each for each in sys.modules[module].COLUMNS})
    return _known[name]


def names() -> list[str]:
    """Of all columns, in alphabetical order."""
    return sorted(_file_of)
