"""Records and snapshots against what is known of specimens."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

import pytest

from procession.table import files
from procession.table.rates import Rates
from procession.table.record import TICKS, ProcessRecord
from procession.table.snapshot import Snapshot, snapshot
from procession.table.source import Source
from tests.harness import specimens
from tests.harness.places import Unprivileged
from tests.harness.specimens import until

LINE = (
    b"%d (%s) S 1 42 42 34816 42 4194304 100 0 5 0 %d 50 7 3 20 0 1 0 %d 10000000 256 18446744073709551615 "
    b"1 1 0 0 0 0 0 4096 0 1 0 0 17 1 0 0 9 0 0 0 0 0 0 0 0 0 0\n"
)


def invented(pid: int, name: bytes = b"name", ticks: int = 100, start: int = 1000) -> ProcessRecord:
    return ProcessRecord(Source(), pid, pid, LINE % (pid, name, ticks - 50, start), 1000)


def at(seconds: float, *records: ProcessRecord) -> Snapshot:
    return Snapshot(list(records), records[0]._source, seconds, seconds)


class TestRecord:
    @pytest.mark.parametrize("name", [b"a", b") R 1 (", b"((", b"a b", b"\n", b"\xff", b""])
    def test_any_name(self, name: bytes) -> None:
        record = invented(42, name)
        assert record.comm_bytes == name
        assert (record.state, record.ppid, record.pgrp, record.starttime) == ("S", 1, 42, 1000)
        assert (record.utime, record.stime, record.nice, record.num_threads) == (50, 50, 0, 1)
        assert record.vsize == 10_000_000
        assert record.delayacct_blkio_ticks == 9

    def test_of_ourselves(self) -> None:
        record = snapshot(pids=[os.getpid()])[os.getpid()]
        assert record.uids == (*os.getresuid(), os.geteuid())
        assert record.gids == (*os.getresgid(), os.getegid())
        assert (record.ppid, record.session, record.pgrp) == (os.getppid(), os.getsid(0), os.getpgid(0))
        assert record.link(files.CWD) == os.getcwd()
        assert record.environ["PATH"]
        assert abs(record.created - (time.time() - snapshot().age(record))) < 2
        assert record.io["rchar"] > 0
        assert record.pss is not None
        assert record.uss is not None
        assert record.pss >= record.uss
        assert record.is_current()

    def test_signal_masks(self) -> None:
        code = """
signal.signal(signal.SIGTERM, lambda *_: None)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
say(it=os.getpid())
nap()
"""
        with specimens.sleeping(code) as found:
            record = snapshot(pids=[found.pid])[found.pid]
            assert record.status_mask(b"SigCgt") >> signal.SIGTERM - 1 & 1
            assert record.status_mask(b"SigIgn") >> signal.SIGHUP - 1 & 1
            assert record.status_mask(b"SigBlk") == 1 << signal.SIGUSR2 - 1

    def test_command_lines(self) -> None:
        with specimens.sleeping("say(it=os.getpid())\nnap()", "two words", "", "\nline") as found:
            record = snapshot(pids=[found.pid])[found.pid]
            assert record.arguments[-3:] == ["two words", "", "\nline"]
            assert record.command.endswith(" two words  \nline")

    def test_a_zombie_and_a_kernel_thread_have_none(self) -> None:
        with specimens.zombie() as found:
            record = snapshot(pids=[found.pid])[found.pid]
            assert record.arguments == []
            assert record.command == f"[{record.comm}] <defunct>"
            assert record.state == "Z"
            assert record.ppid == found["parent"]

    def test_what_is_read_late_is_of_the_same_process_or_nothing(self) -> None:
        with specimens.idle() as found:
            record = snapshot(pids=[found.pid])[found.pid]
            twin = ProcessRecord(
                record._source, os.getpid(), os.getpid(), LINE % (os.getpid(), b"x", 60, 1), 0
            )
        assert record.read(files.CMDLINE) is None
        assert record.link(files.EXE) is None
        assert not record.is_current()
        assert not record.refused(files.CMDLINE)
        # Ours is the pid now, but it was somebody else's when this record was made.
        assert twin.read(files.CMDLINE) is None
        assert not twin.is_current()

    @pytest.mark.root
    def test_what_is_not_ours_is_refused(self, unprivileged: Unprivileged) -> None:
        assert unprivileged.call(partial(_refused, os.getpid())) == (None, None, True, False)


def _refused(pid: int) -> tuple[object, object, bool, bool]:
    record = snapshot(pids=[pid])[pid]
    return record.read(files.ENVIRON), record.pss, record.refused(files.ENVIRON), record.refused(files.STAT)


class TestSnapshot:
    def test_files_are_read_with_it(self) -> None:
        with specimens.idle() as found:
            record = snapshot((files.CMDLINE, files.STATUS), pids=[found.pid])[found.pid]
        assert record.arguments  # although it has ended
        assert record.uids[0] == os.getuid()

    def test_pids_that_are_gone_are_left_out_and_the_order_is_kept(self) -> None:
        with specimens.idle() as one, specimens.idle() as two:
            gone = 1 << 22
            assert [r.pid for r in snapshot(pids=[two.pid, gone, one.pid])] == [two.pid, one.pid]

    def test_threads(self) -> None:
        with specimens.threads(4) as found:
            records = snapshot(pids=[found.pid], threads=True).records
            assert len(records) == 4
            assert {record.pid for record in records} == {found.pid}
            assert records[0].tid == found.pid
            assert len({record.tid for record in records}) == 4
            assert snapshot(pids=[found.pid], threads=True)[found.pid].tid == found.pid

    def test_families(self) -> None:
        with specimens.setsid_tree(3) as found:
            shot = snapshot()
            assert [r.pid for r in shot.descendants(found.pid)] == [found["1"], found["2"], found["3"]]
            assert [r.pid for r in shot.ancestors(found["3"])][:3] == [found["2"], found["1"], found.pid]
            assert [r.pid for r in shot.children[found["1"]]] == [found["2"]]

    def test_a_ring_of_parents_ends(self) -> None:
        one, two = invented(10), invented(20)
        one.fields[1], two.fields[1] = b"20", b"10"
        shot = at(100.0, one, two)
        assert [r.pid for r in shot.descendants(10)] == [20]
        assert [r.pid for r in shot.ancestors(10)] == [20]


class TestRates:
    def test_between_two(self) -> None:
        before = at(100.0, invented(1, ticks=100))
        after = at(102.0, invented(1, ticks=100 + TICKS))
        assert Rates(before, after).cpu(after[1]) == pytest.approx(0.5)

    def test_a_life(self) -> None:
        after = at(20.0, invented(1, ticks=5 * TICKS, start=10 * TICKS))
        rates = Rates(None, after)
        assert rates.since_birth
        assert rates.cpu(after[1]) == pytest.approx(0.5)

    def test_a_new_one_counts_for_its_own_age(self) -> None:
        before = at(100.0, invented(1))
        after = at(110.0, invented(2, ticks=TICKS, start=108 * TICKS))
        assert Rates(before, after).cpu(after[2]) == pytest.approx(0.5)

    def test_the_same_pid_again_is_another_process(self) -> None:
        before = at(100.0, invented(1, ticks=10_000, start=1))
        after = at(110.0, invented(1, ticks=TICKS, start=108 * TICKS))
        assert Rates(before, after).cpu(after[1]) == pytest.approx(0.5)

    def test_never_negative_and_never_by_zero(self) -> None:
        before = at(100.0, invented(1, ticks=200))
        assert Rates(before, at(101.0, invented(1, ticks=199))).cpu(invented(1, ticks=199)) == 0
        assert Rates(before, at(100.0, invented(1, ticks=300))).cpu(invented(1, ticks=300)) == 0
        assert Rates(None, at(10.0, invented(1, start=1000))).cpu(invented(1, start=1000)) == 0

    def test_bytes(self) -> None:
        code = """
import tempfile
say(it=os.getpid())
with tempfile.TemporaryFile(dir=sys.argv[1]) as file:
    while True:
        os.pwrite(file.fileno(), bytes(1 << 20), 0)
        os.fsync(file.fileno())
"""
        with specimens.made(code, "/var/tmp") as found:
            before = snapshot((files.IO,), pids=[found.pid])

            def rate() -> tuple[float, float] | None:
                after = snapshot((files.IO,), pids=[found.pid])
                return Rates(before, after).io(after[found.pid])

            until(lambda: (rate() or (0, 0))[1] > 0, "it writes")
