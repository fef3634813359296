from __future__ import annotations

import json
import os
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.linux import procfs
from procession.pool import status_folder
from procession.pool.stats import PoolStats, WorkerStats
from procession.pool.status import PoolRecord, Publisher, read_pools, record_of
from procession.pool.status_record import from_json, to_json
from procession.records import replace
from tests.harness.places import Unprivileged

STATS = PoolStats(
    name="pool-1", start_method="fork", seconds=3.0, done=10, failed=1, queued=5, running=2, retried=0,
    workers=(WorkerStats(4711, 1, "busy", 3, 1.0, 2.0, "resize('a.jpg')", 0.5, 1000),),
    slowest=(), replaced=(), batches=(),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "pools")


@pytest.fixture
def record() -> PoolRecord:
    return record_of(STATS, rate=2.5, began=1000.0, updated=1003.0)


def published(folder: str, record: PoolRecord, number: int = 1) -> Publisher:
    publisher = Publisher(number, 0.0, folder)
    publisher.publish(record)
    return publisher


def put(folder: str, name: str, data: bytes) -> Path:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = Path(folder, name)
    path.write_bytes(data)
    return path


def ended() -> tuple[int, int]:
    """The pid and the start of a process that was there."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as program:
        return program.pid, procfs.start_time(program.pid)


# ── publishing ────────────────────────────────────────────────────────────────────────────────────


def test_the_record_of_this_process(record: PoolRecord) -> None:
    assert record == PoolRecord(
        name="pool-1",
        pid=os.getpid(),
        start=procfs.start_time(os.getpid()),
        boot_id=procfs.boot_id(),
        namespace=procfs.pid_namespace(),
        start_method="fork",
        workers=((4711, "resize('a.jpg')", 0.5),),
        queued=5,
        running=2,
        done=10,
        failed=1,
        rate=2.5,
        began=1000.0,
        updated=1003.0,
    )


def test_when_one_is_due(folder: str) -> None:
    publisher = Publisher(1, 100.0, folder)
    assert publisher.wait(100.0) == 0.25
    assert [publisher.due(now) for now in (100.0, 100.2, 100.25, 101.0, 101.25)] == [
        False, False, True, False, True
    ]  # fmt: skip
    assert not os.path.exists(folder), "asking costs nothing"
    publisher.close()
    assert not publisher.due(200.0)
    assert publisher.wait(200.0) is None


def test_one_file_while_the_pool_lives(folder: str, record: PoolRecord) -> None:
    publisher = published(folder, record)
    assert os.listdir(folder) == [f"{os.getpid()}-{record.start}-1.json"]
    assert read_pools(folder) == [record]
    later = replace(record, done=20)
    publisher.publish(later)
    assert read_pools(folder) == [later]
    other = published(folder, replace(record, name="pool-2", began=1001.0), 2)
    assert [each.name for each in read_pools(folder)] == ["pool-1", "pool-2"]
    publisher.close()
    publisher.close()
    publisher.publish(record)
    assert [each.name for each in read_pools(folder)] == ["pool-2"]
    other.close()
    assert os.listdir(folder) == []


def test_nobody_else_may_look(folder: str, record: PoolRecord) -> None:
    before = os.umask(0)
    try:
        publisher = published(folder, record)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(os.stat(path).st_mode) for path in (Path(folder), *Path(folder).iterdir())}
    assert modes == {0o700, 0o600}
    publisher.close()


def test_a_forked_child_leaves_the_record_alone(folder: str, record: PoolRecord) -> None:
    publisher = published(folder, record)
    pid = os.fork()
    if not pid:
        publisher.publish(replace(record, done=99))
        publisher.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert read_pools(folder) == [record]
    publisher.close()


def test_a_folder_that_was_tidied_away_is_made_again(folder: str, record: PoolRecord) -> None:
    publisher = published(folder, record)
    for path in Path(folder).iterdir():
        path.unlink()
    os.rmdir(folder)
    publisher.publish(record)
    publisher.publish(record)
    assert read_pools(folder) == [record]
    publisher.close()


def test_no_folder_no_record(tmp_path: Path, record: PoolRecord) -> None:
    (tmp_path / "file").touch()
    for place in ("file", "file/pools", "missing/pools"):
        publisher = Publisher(1, 0.0, str(tmp_path / place))
        assert publisher.due(1.0)
        publisher.publish(record)
        assert not publisher.due(9.0), "it was tried once"
        publisher.close()


def test_a_folder_of_somebody_else_is_not_used(
    tmp_path: Path, unprivileged: Unprivileged, record: PoolRecord
) -> None:
    open_to_all = tmp_path / "pools"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert not published(str(open_to_all), record).due(9.0)
    (tmp_path / "link").symlink_to(tmp_path)
    assert not published(str(tmp_path / "link"), record).due(9.0)
    if not os.geteuid():
        theirs = unprivileged.home / "pools"
        unprivileged.call(lambda: os.mkdir(theirs, 0o700))
        assert not published(str(theirs), record).due(9.0)


def test_without_rights_there_is_no_record(unprivileged: Unprivileged, record: PoolRecord) -> None:
    def attempt() -> bool:
        publisher = Publisher(1, 0.0, "/sys/pools")
        publisher.publish(record)
        return publisher.due(9.0)

    assert unprivileged.call(attempt) is False


@pytest.mark.root
def test_a_full_disk_costs_a_record_and_no_more(small_tmpfs: object, record: PoolRecord) -> None:
    assert callable(small_tmpfs)
    disk = small_tmpfs("64k")
    publisher = published(f"{disk}/pools", record)
    filler = disk / "filler"
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)) == 4096:
            pass
    publisher.publish(replace(record, name="x" * 5000))
    assert read_pools(f"{disk}/pools") == [record]
    assert len(os.listdir(f"{disk}/pools")) == 1
    filler.unlink()
    publisher.publish(replace(record, done=11))
    assert [each.done for each in read_pools(f"{disk}/pools")] == [11]
    publisher.close()


def test_a_figure_that_is_none_costs_that_record_only(folder: str, record: PoolRecord) -> None:
    publisher = published(folder, record)
    publisher.publish(replace(record, rate=float("nan")))
    assert read_pools(folder) == [record]
    publisher.close()


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def test_no_folder_no_pools(folder: str) -> None:
    assert read_pools(folder) == []


def test_the_dead_are_removed(folder: str, record: PoolRecord) -> None:
    pid, start = ended()
    put(folder, "gone.json", to_json(replace(record, pid=pid, start=start)))
    put(folder, "reused.json", to_json(replace(record, start=record.start - 1)))
    put(folder, "booted.json", to_json(replace(record, boot_id="another")))
    kept = put(folder, "living.json", to_json(record))
    assert read_pools(folder) == [record]
    assert list(Path(folder).iterdir()) == [kept]


def test_a_zombie_is_dead(folder: str, record: PoolRecord) -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    pidfd = os.pidfd_open(pid)
    select.select([pidfd], [], [], 10)
    os.close(pidfd)
    put(folder, "zombie.json", to_json(replace(record, pid=pid, start=procfs.start_time(pid))))
    assert read_pools(folder) == []
    os.waitpid(pid, 0)


def test_what_a_killed_owner_left(folder: str) -> None:
    program = (
        "import sys\n"
        "from procession.pool.stats import PoolStats\n"
        "from procession.pool.status import Publisher, record_of\n"
        "STATS = PoolStats('p', 'fork', 1.0, 0, 0, 0, 0, 0, (), (), (), ())\n"
        "Publisher(1, 0.0, sys.argv[1]).publish(record_of(STATS, rate=1.0, began=1.0, updated=2.0))\n"
        "print('there', flush=True)\n"
        "input()\n"
    )
    words = [sys.executable, "-c", program, folder]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"there\n"
        assert [(each.pid, each.here) for each in read_pools(folder)] == [(owner.pid, True)]
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert read_pools(folder) == []
    assert os.listdir(folder) == []


def test_another_pid_namespace_is_not_judged(folder: str, record: PoolRecord) -> None:
    pid, start = ended()
    elsewhere = replace(record, pid=pid, start=start, namespace=record.namespace + 1)
    path = put(folder, "elsewhere.json", to_json(elsewhere))
    assert read_pools(folder) == [replace(elsewhere, here=False)]
    assert path.exists()


def test_what_is_no_record_is_passed_over(folder: str, record: PoolRecord, tmp_path: Path) -> None:
    good = to_json(record)
    facts = json.loads(good)
    for name, data in {
        "empty": b"",
        "half": good[: len(good) // 2],
        "binary": bytes(range(256)),
        "list": b"[]",
        "number": b"1" * 5000,
        "deep": b"[" * 100_000,
        "later": json.dumps({**facts, "version": 2}).encode(),
        "pid": json.dumps({**facts, "pid": 1 << 40}).encode(),
        "zero": json.dumps({**facts, "pid": 0}).encode(),
        "bool": json.dumps({**facts, "pid": True}).encode(),
        "text": json.dumps({**facts, "done": "7"}).encode(),
        "nan": json.dumps({**facts, "rate": float("nan")}).encode(),
        "large": json.dumps({**facts, "rate": 10**400}).encode(),
        "workers": json.dumps({**facts, "workers": [[1, "x"]]}).encode(),
    }.items():
        put(folder, f"{name}.json", data)
    put(folder, "README", good)
    os.mkfifo(Path(folder, "fifo.json"))
    os.mkdir(Path(folder, "folder.json"))
    (tmp_path / "real").write_bytes(good)
    Path(folder, "link.json").symlink_to(tmp_path / "real")
    count = len(os.listdir(folder))
    assert read_pools(folder) == []
    assert len(os.listdir(folder)) == count, "what is not ours stays"


def test_a_later_field_does_no_harm(record: PoolRecord) -> None:
    facts = {**json.loads(to_json(record)), "colour": "green", "here": False}
    assert from_json(json.dumps(facts).encode()) == record


def test_a_record_that_vanishes_meanwhile(
    folder: str, record: PoolRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = put(folder, "gone.json", to_json(record))
    put(folder, "there.json", to_json(record))
    names = os.listdir(folder)
    gone.unlink()
    monkeypatch.setattr(os, "listdir", lambda _: names)
    assert read_pools(folder) == [record]


def test_half_written_names_are_cleared_in_time(folder: str) -> None:
    old = put(folder, "1-2-3.tmp", b"{")
    os.utime(old, (1000, 1000))
    young = put(folder, "1-2-4.tmp", b"{")
    assert read_pools(folder) == []
    assert list(Path(folder).iterdir()) == [young]


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=100)
counts = st.integers(0, 10**12)
figures = st.floats(0, 1e15)
records = st.builds(
    PoolRecord, words, st.integers(1, 2**22), counts, words, counts, words,
    st.lists(st.tuples(counts, words, figures)).map(tuple),
    counts, counts, counts, counts, figures, figures, figures,
)  # fmt: skip


@given(records)
def test_a_record_survives_its_file(each: PoolRecord) -> None:
    assert from_json(to_json(each)) == each


@given(records, st.text(max_size=50))
def test_no_text_of_others_reaches_the_screen_raw(each: PoolRecord, text: str) -> None:
    read = from_json(to_json(replace(each, name=text, workers=((1, text, 0.0),))))
    assert read.name.isprintable()
    assert read.workers[0][1] == read.name


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_anything_else_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_json(data)


# ── the user's folder ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder, as a login session gives one."""
    place = tmp_path / "runtime"
    place.mkdir(0o700)
    monkeypatch.setattr(status_folder, "runtime_folder", lambda: str(place))
    return place


def test_where_the_records_lie(runtime: Path, record: PoolRecord) -> None:
    assert read_pools() == []
    assert list(runtime.iterdir()) == [], "looking makes nothing"
    publisher = Publisher(3, 0.0)
    publisher.publish(record)
    (path,) = runtime.glob("procession/pools/*.json")
    assert path.name == f"{os.getpid()}-{record.start}-3.json"
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parents[:2]} == {0o700}
    assert read_pools() == [record]
    publisher.close()
    assert read_pools() == []


def test_records_in_a_folder_that_others_can_write_to_are_not_believed(
    runtime: Path, record: PoolRecord
) -> None:
    published(status_folder.prepared() or "", record)
    (runtime / "procession").chmod(0o777)
    assert read_pools() == []
    assert status_folder.prepared() is None


@pytest.mark.parametrize("where", ["given", "missing", ""])
def test_the_runtime_folder_is_found_without_a_word(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "given").mkdir(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / where) if where else "")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    found = status_folder.runtime_folder()
    assert found is None or os.path.isabs(found)
    if where == "given":
        assert found == str(tmp_path / "given")
