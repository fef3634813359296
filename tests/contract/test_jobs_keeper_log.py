"""The log of a job: complete, with times, over rotations, and on a disk that is full."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time

import pytest

from procession.jobs.log_read import LogReader
from tests.contract.keeperkit import Room, wait_until


def test_fifty_megabytes_are_complete(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "yes 0123456789abcdef0123456789abcdef | head -n 1500000")
    outcome = run.ended()
    line = b"0123456789abcdef0123456789abcdef\n"
    assert (outcome.log_bytes, outcome.log_lost) == (1_500_000 * len(line), 0)
    wanted, found = hashlib.sha256(), hashlib.sha256()
    for _ in range(1500):
        wanted.update(line * 1000)
    with LogReader(run.log) as reader:
        for piece in reader.pieces():
            found.update(piece)
    assert found.digest() == wanted.digest()


def test_rotation_by_size(jobs: Room) -> None:
    run = jobs.keep("seq", "100000", more={"log_max": 100_000, "log_keep": 2})
    outcome = run.ended()
    whole = b"".join(b"%d\n" % n for n in range(1, 100_001))
    assert outcome.log_bytes == len(whole)
    with LogReader(run.log) as reader:
        assert reader.end == len(whole)
        assert 200_000 <= reader.end - reader.begin < 600_000
        assert b"".join(reader.pieces()) == whole[reader.begin :]
        assert b"".join(reader.pieces(reader.last_lines(2))) == b"99999\n100000\n"
    assert sorted(os.listdir(os.path.dirname(run.log))) == [
        "1",
        "1.1",
        "1.1.index",
        "1.2",
        "1.2.index",
        "1.index",
    ]


def test_the_log_tells_when(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "echo early; read x; echo late", pty=True)
    run.began()
    line = run.connect()
    line.say("follow")
    while line.event("log")["bytes"] < len("early\r\n"):
        pass
    early = os.stat(run.log).st_mtime
    wait_until(lambda: time.time() > early + 0.05, "the time passes, which the index tells apart by 10 ms")
    between = time.time()
    run.say("type", text="\n")
    run.ended()
    with LogReader(run.log) as reader:
        assert b"".join(reader.pieces(reader.since(between))).endswith(b"late\r\n")
        assert b"early" not in b"".join(reader.pieces(reader.since(between)))
        assert reader.since(0) == 0
        assert reader.since(between + 1e9) == reader.end


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_full_disk_loses_what_it_must_and_says_so(jobs: Room) -> None:
    logs = f"{jobs.places.state}/logs"
    program = "import sys; w = sys.stdout.buffer; [(w.write(b'%07d\\n' % n), n % 500 or w.flush()) for n in range(60000)]; w.flush(); sys.stdin"
    script = f'python3 -c "{program}"; read x; echo room again; exit 3'
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "pn-small", logs], check=True)
    try:
        run = jobs.keep("bash", "-c", script, pty=True)
        run.began()
        line = run.connect()
        line.say("follow")
        while line.event("log")["lost"] < 200_000:
            pass
        subprocess.run(["mount", "-o", "remount,size=4m", logs], check=True)
        run.say("type", text="\n")
        outcome = run.ended()
        assert outcome.code == 3  # the command has not noticed
        assert outcome.log_lost > 200_000
        text = run.text()
        assert f"[pn: {outcome.log_lost} bytes were lost here: No space left on device]\n".encode() in text
        assert text.endswith(b"room again\r\n")
        assert text.startswith(b"0000000\r\n0000001\r\n")
    finally:
        jobs.finish()
        subprocess.run(["umount", logs], check=True)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_outcome_that_cannot_be_written_is_told_and_tried_again(jobs: Room) -> None:
    runs = f"{jobs.places.state}/runs"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "pn-small", runs], check=True)
    try:
        run = jobs.keep("sh", "-c", "read x; exit 4", pty=True)
        run.began()
        filler = f"{runs}/filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        keeper = run.keeper
        run.say("type", text="\n")
        assert run.event("ended")["outcome"]["code"] == 4
        assert not os.path.exists(f"{run.folder}/outcome")
        assert run.keeper == keeper  # it lives, and tries
        os.unlink(filler)
        wait_until(lambda: os.path.exists(f"{run.folder}/outcome"), "the outcome is written")
        run._gone()
    finally:
        jobs.finish()
        subprocess.run(["umount", runs], check=True)
