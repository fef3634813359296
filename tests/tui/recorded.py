"""A recorded machine: a small shop's server, as data.  No clock, no /proc of this machine.

Files of processes stand in a folder that a ``Source`` takes for /proc; stat lines are made for each reading, so
that time goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from procession.linux.cputimes import CpuTimes, KernelStat
from procession.linux.pressure import Pressure, Stall
from procession.records import fields_of
from procession.table.board.board import View
from procession.table.board.frame import Watcher
from procession.table.cores import Cores
from procession.table.keeping import Kept
from procession.table.machine import Machine, Memory
from procession.table.record import ProcessRecord
from procession.table.snapshot import Snapshot
from procession.table.source import Source
from procession.tui.app import TopApp

MIB = 1 << 20
GIB = 1 << 30
BOOT = 1_700_000_000.0  # Unix time
NAMES = {0: "root", 33: "www-data", 112: "postgres", 1000: "ada", 1001: "grace"}
UP = 300_000.0  # seconds, when the record begins
STEP = 2.0  # seconds between readings


@dataclass
class Proc:
    """A process as it is in each reading; ``busy``: cores that it uses all the time."""

    pid: int
    comm: str
    ppid: int = 1
    state: str = "S"
    uid: int = 0
    args: str = ""
    busy: float = 0.0
    ticks: int = 0
    rss: int = 8 * MIB
    vsize: int = 60 * MIB
    nice: int = 0
    started: float = 1000.0  # seconds after boot
    flags: int = 0
    threads: int = 1
    tty: int = 0
    shared: int = 4 * MIB
    files: dict[str, str] = field(default_factory=dict)
    fds: dict[int, str] = field(default_factory=dict)


KERNEL = 0x00200000
PTS0 = 136 << 8

SHOP = [
    Proc(1, "systemd", 0, args="/sbin/init", ticks=4100, rss=13 * MIB, vsize=168 * MIB, shared=9 * MIB, started=1),
    Proc(2, "kthreadd", 0, flags=KERNEL, rss=0, vsize=0, shared=0, started=1, ticks=3),
    Proc(14, "ksoftirqd/0", 2, flags=KERNEL, rss=0, vsize=0, shared=0, started=1, ticks=812, busy=0.01),
    Proc(57, "kworker/1:1H-kblockd", 2, "I", flags=KERNEL, rss=0, vsize=0, nice=-20, shared=0, started=1),
    Proc(88, "jbd2/vda1-8", 2, "D", flags=KERNEL, rss=0, vsize=0, shared=0, started=2, ticks=920,
         files={"wchan": "jbd2_journal_commit_transaction"}),
    Proc(612, "sshd", args="sshd: /usr/sbin/sshd -D [listener]", rss=7 * MIB, vsize=15 * MIB),
    Proc(702, "postgres", uid=112, args="/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql", ticks=88_310,
         rss=31 * MIB, vsize=221 * MIB, shared=28 * MIB),
    Proc(717, "postgres", 702, uid=112, args="postgres: checkpointer", ticks=2_204, rss=18 * MIB, vsize=221 * MIB,
         shared=16 * MIB),
    Proc(718, "postgres", 702, uid=112, args="postgres: walwriter", ticks=9_120, busy=0.02, rss=11 * MIB,
         vsize=221 * MIB, shared=9 * MIB),
    Proc(811, "nginx", args="nginx: master process /usr/sbin/nginx", rss=4 * MIB, vsize=54 * MIB),
    Proc(812, "nginx", 811, uid=33, args="nginx: worker process", ticks=41_022, busy=0.11, rss=9 * MIB,
         vsize=55 * MIB),
    Proc(813, "nginx", 811, uid=33, args="nginx: worker process", ticks=40_778, busy=0.08, rss=9 * MIB,
         vsize=55 * MIB),
    Proc(2044, "postgres", 702, uid=112, args="postgres: shop shop 10.0.0.7(51544) SELECT", ticks=7_730, busy=0.62,
         rss=96 * MIB, vsize=224 * MIB, shared=88 * MIB, started=299_000, state="R"),
    Proc(3301, "sshd", 612, args="sshd: ada [priv]", rss=11 * MIB, vsize=17 * MIB, started=280_000),
    Proc(3307, "sshd", 3301, uid=1000, args="sshd: ada@pts/0", rss=6 * MIB, vsize=17 * MIB, started=280_001),
    Proc(3308, "bash", 3307, uid=1000, args="-bash", rss=5 * MIB, vsize=9 * MIB, tty=PTS0, started=280_002,
         files={"wchan": "do_wait"}),
    Proc(4711, "python3", 3308, uid=1000, args="python3 report.py --year 2023 --out /srv/reports", busy=1.31,
         ticks=21_540, rss=812 * MIB, vsize=1_690 * MIB, threads=3, tty=PTS0, started=299_700, state="R",
         nice=5, shared=21 * MIB,
         files={
             "environ": "HOME=/home/ada\0LANG=C.UTF-8\0PATH=/usr/local/bin:/usr/bin:/bin\0REPORT_COLOUR=\x1b[31mred\0",
             "io": "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 734003200\nwrite_bytes: 1048576\n"
                   "cancelled_write_bytes: 0\n",
             "limits": "Limit                     Soft Limit           Hard Limit           Units     \n"
                       "Max cpu time              unlimited            unlimited            seconds   \n"
                       "Max stack size            8388608              unlimited            bytes     \n"
                       "Max processes             31112                31112                processes \n"
                       "Max open files            1024                 1048576              files     \n",
             "cgroup": "0::/user.slice/user-1000.slice/session-4.scope\n",
             "syscall": "running\n",
             "smaps": "",
         },
         fds={0: "/dev/pts/0", 1: "pipe:[9001]", 2: "/dev/pts/0", 3: "/srv/reports/2023.csv", 4: "anon_inode:[eventpoll]",
              5: "/srv/sales/2023-04.parquet (deleted)"}),
    Proc(4712, "gzip", 3308, uid=1000, args="gzip -9 -c", busy=0.24, ticks=1_930, rss=2 * MIB, vsize=4 * MIB,
         tty=PTS0, started=299_700, fds={0: "pipe:[9001]"}),
    Proc(4890, "backup", 1, uid=1000, state="T", args="/home/ada/bin/backup\n--to \x1b]0;evil\x07 nas", ticks=310,
         started=299_100),
    Proc(4902, "convert", 4890, uid=1000, state="Z", rss=0, vsize=0, ticks=52, started=299_400, shared=0),
    Proc(5120, "Größenmesser-データ", 1, uid=1001, args="Größenmesser-データ --überall", rss=44 * MIB, vsize=140 * MIB,
         ticks=600, busy=0.03, started=150_000),
]  # fmt: skip

SMAPS = "".join(
    f"{start:x}-{start + size:x} {perms} 00000000 fe:01 {inode} {path}\nSize: {size >> 10} kB\nRss: {rss >> 10} kB\n"
    f"Pss: {pss >> 10} kB\nPrivate_Clean: 0 kB\nPrivate_Dirty: {private >> 10} kB\nSwap: {swap >> 10} kB\n"
    for start, size, perms, inode, path, rss, pss, private, swap in (
        (0x400000, 3 * MIB, "r-xp", 71, "/usr/bin/python3.11", 2 * MIB, MIB, 0, 0),
        (0x700000, MIB, "r--p", 71, "/usr/bin/python3.11", MIB, MIB // 2, 0, 0),
        (0x800000, MIB, "rw-p", 71, "/usr/bin/python3.11", MIB, MIB, MIB, 0),
        (0x1000000, 610 * MIB, "rw-p", 0, "[heap]", 601 * MIB, 601 * MIB, 601 * MIB, 4 * MIB),
        (0x7F0000000000, 192 * MIB, "rw-p", 0, "", 180 * MIB, 180 * MIB, 180 * MIB, 0),
        (0x7F0010000000, 24 * MIB, "r-xp", 93, "/usr/lib/libarrow.so.14", 12 * MIB, 6 * MIB, 0, 0),
        (0x7F0020000000, 16 * MIB, "rw-s", 12, "/dev/shm/sales", 16 * MIB, 8 * MIB, 0, 0),
        (0x7FFC00000000, 132 << 10, "rw-p", 0, "[stack]", 64 << 10, 64 << 10, 64 << 10, 0),
        (0x7FFC00100000, 8 << 10, "r-xp", 0, "[vdso]", 4 << 10, 0, 0, 0),
    )
)


def stat_line(one: Proc, seconds: float, tid: int = 0) -> bytes:
    """proc_pid_stat(5), ``seconds`` after the record began."""
    ticks = one.ticks + round(100 * one.busy * seconds)
    fields = [0] * 50
    fields[0:1] = []
    words: list[object] = [
        one.state,
        one.ppid,
        one.pid,
        one.pid if not one.tty else 3308,
        one.tty,
        -1,
        one.flags,
    ]
    words += [
        1200,
        0,
        3,
        0,
        ticks * 4 // 5,
        ticks - ticks * 4 // 5,
        0,
        0,
        20 + one.nice,
        one.nice,
        one.threads,
        0,
    ]
    words += [round(100 * one.started), one.vsize, one.rss // 4096, 2**64 - 1]
    words += [0] * (36 - len(words)) + [one.pid % 4, 0, 0, 0]
    words += [0] * (50 - len(words))
    return f"{tid or one.pid} ({one.comm}) {' '.join(map(str, words))}\n".encode()


class RecordedSource(Source):
    """Whose process a folder is stands in the record: the folders here are all of whoever runs the tests."""

    def __init__(self, path: str, uids: dict[int, int]) -> None:
        super().__init__(path)
        self.uids = uids

    def owner(self, record: ProcessRecord) -> tuple[int, int]:
        return self.uids[record.pid], self.uids[record.pid]


def write_proc(folder: Path, procs: list[Proc]) -> Source:
    """The files of the processes, in the form of /proc; its ``Source``."""
    for one in procs:
        home = folder / str(one.pid)
        (home / "fd").mkdir(parents=True)
        (home / "fdinfo").mkdir()
        (home / "stat").write_bytes(stat_line(one, 0))
        args = one.args.replace(" ", "\0") + "\0" if one.args else ""
        status = (
            f"Name:\tx\nUid:\t{one.uid}\t{one.uid}\t{one.uid}\t{one.uid}\nGid:\t{one.uid}\t{one.uid}\t0\t0\n"
        )
        status += "VmSwap:\t    4096 kB\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"
        status += "SigBlk:\t0000000000010000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000002\n"
        files = {
            "cmdline": args,
            "status": status,
            "statm": f"1 {one.rss // 4096} {one.shared // 4096} 1 0 1 0",
            **one.files,
        }
        if "smaps" in files:
            files["smaps"] = SMAPS
        for name, text in files.items():
            (home / name).write_text(text, encoding="utf-8")
        for number, target in one.fds.items():
            (home / "fd" / str(number)).symlink_to(target)
            (home / "fdinfo" / str(number)).write_text("pos:\t4096\nflags:\t0100002\n")
        for offset in range(one.threads):
            task = home / "task" / str(one.pid + offset)
            task.mkdir(parents=True)
            (task / "stat").write_bytes(stat_line(one, 0, one.pid + offset))
            (task / "wchan").write_text("futex_wait_queue" if offset else "")
        for name, target in (("exe", f"/usr/bin/{one.comm}"), ("cwd", "/srv"), ("root", "/")):
            if not one.flags:
                (home / name).symlink_to(target)
    source = RecordedSource(str(folder), {one.pid: one.uid for one in procs})
    source.boot_id, source.boot_time = "recorded", BOOT
    return source


# How busy the four CPUs were in each reading, in per cent of all of them.
PAST = (
    12,
    14,
    11,
    18,
    25,
    31,
    28,
    22,
    20,
    35,
    48,
    52,
    61,
    58,
    44,
    40,
    38,
    42,
    55,
    72,
    88,
    93,
    90,
    71,
    66,
    60,
)


def machine(reading: int) -> Machine:
    """The machine at a reading."""
    busy = sum(PAST[number % len(PAST)] for number in range(1, reading + 1)) * 8  # ticks of 4 CPUs in 2 s
    each = []
    for share in (170, 120, 90, 70):
        mine = busy * share // 450
        idle = 200 * reading - mine - 4 * reading - reading
        each.append(
            CpuTimes(mine * 4 // 5, 20, mine - mine * 4 // 5, 90_000 + idle, 4 * reading, 0, reading, 0)
        )
    total = CpuTimes(*(sum(getattr(one, name) for one in each) for name in fields_of(each[0])))
    used = (3100 + 40 * (reading % 17)) * MIB
    memory = Memory(
        total=8 * GIB, free=1200 * MIB, buffers=180 * MIB, cached=3900 * MIB, available=8 * GIB - used, used=used,
        shared=210 * MIB, swap_total=2 * GIB, swap_free=1700 * MIB, swap_cached=12 * MIB,
    )  # fmt: skip
    stall = Pressure(Stall(12.4, 8.0, 3.1, 1), Stall(1.0, 0.5, 0.2, 1))
    calm = Pressure(Stall(0.0, 0.1, 0.0, 1), Stall(0.0, 0.0, 0.0, 1))
    return Machine(
        taken=UP + STEP * reading, wall=BOOT + UP + STEP * reading, uptime=UP + STEP * reading, users=2,
        load=(2.51, 1.94, 1.20), runnable=3, tasks=61, cores=Cores(4, 4, None, "A processor"),
        stat=KernelStat(total, dict(enumerate(each)), 1, int(BOOT), 1, 3, 1), memory=memory,
        cpu_pressure=stall, memory_pressure=calm, io_pressure=calm,
    )  # fmt: skip


class Recorder:
    """Gives reading after reading, and stays at ``last``."""

    def __init__(self, source: Source, procs: list[Proc], last: int = 26) -> None:
        self.source = source
        self.procs = procs
        self.reading = 0
        self.last = last

    def read(self, threads: bool, _looked_at: Collection[int]) -> Snapshot:
        self.reading = min(self.reading + 1, self.last)
        seconds = STEP * self.reading
        records = []
        for one in self.procs:
            for offset in range(one.threads if threads else 1):
                tid = one.pid + offset
                records.append(
                    ProcessRecord(self.source, one.pid, tid, stat_line(one, seconds, tid), one.uid)
                )
        return Snapshot(records, self.source, UP + seconds, UP + seconds)

    def watch(self) -> Machine:
        return machine(self.reading)

    def spent(self) -> float:
        return 0.012 * self.reading

    def watcher(self, before: int = 25) -> Watcher:
        """One that has made so many refreshes already."""
        watcher = Watcher(self.read, self.watch, self.spent)
        for _ in range(before):
            watcher.refresh()
        return watcher


def shop(folder: Path, procs: list[Proc] | None = None) -> Recorder:
    """A recorder of the shop, or of others."""
    procs = SHOP if procs is None else procs
    return Recorder(write_proc(folder, procs), procs)


def top_app(recorder: Recorder, *, view: View | None = None, before: int = 25, **options: object) -> TopApp:
    """The application on it; it refreshes when it is asked to."""
    watcher = recorder.watcher(before)
    given: dict[str, object] = {"delay": None, **options}
    app = TopApp(watcher, view or View(), Kept(), **given)  # type: ignore[arg-type]
    app._first.host = "shop"
    return app


AppMaker = Callable[..., TopApp]
