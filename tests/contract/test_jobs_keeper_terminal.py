"""The terminal of a job: who types, who watches, Ctrl-C, Ctrl-Z, sizes, full screens, viewers that are too slow."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from procession.jobs.wire import DATA
from tests.contract.keeperkit import Room, Run

TELLS_ITS_SIZE = """
import os, signal, sys, time
def w(text): sys.stdout.write(text); sys.stdout.flush()
def told(): size = os.get_terminal_size(); w(f"{words} {{size.lines}} {{size.columns}}\\n")
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
{begin}
while True:
    signal.sigwait([signal.SIGWINCH])
    told()
"""


TELLS_ITS_SIGNALS = """
import signal, sys
signal.signal(signal.SIGCONT, lambda *_: print('child goes on', flush=True))
print('child is up', flush=True)
while True: print('got', sys.stdin.readline().strip(), flush=True)
"""


def end(run: Run) -> None:
    run.say("end", grace=0)
    run.ended()


def test_what_is_typed_arrives_and_is_echoed(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "read line; echo got $line; exit 7", pty=True)
    run.began()
    viewer = run.attach()
    assert viewer.attached == {"event": "attached", "write": True, "pty": True, "log": 0, "why": ""}  # type: ignore[attr-defined]
    viewer.type(b"hello\r")
    assert b"hello\r\ngot hello\r\n" in viewer.until(b"got hello\r\n")
    assert viewer.event("ended")["outcome"]["code"] == 7
    assert run.ended().code == 7
    assert run.text() == b"hello\r\ngot hello\r\n"


def test_type_by_request(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "read line; echo got $line", pty=True)
    run.began()
    run.say("type", text="ä\n")
    run.ended()
    assert run.text().endswith("got ä\r\n".encode())


def test_without_a_terminal_there_is_nothing_to_type_into(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000")
    run.began()
    run.say("type", text="x")
    assert "no terminal" in run.event("error")["why"]
    viewer = run.attach()
    assert (viewer.attached["write"], viewer.attached["pty"]) == (False, False)  # type: ignore[attr-defined]
    end(run)


def test_ctrl_c_goes_to_the_job(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000", pty=True)
    run.began()
    run.attach().type(b"\x03")
    outcome = run.ended()
    assert (outcome.kind, outcome.signal) == ("killed", signal.SIGINT)


def test_ctrl_z_suspends_it_and_cont_continues_it(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "echo up; read line; echo got $line", pty=True, ready="log:up")
    run.event("ready")
    viewer = run.attach()
    viewer.type(b"\x1a")
    suspended = run.event("suspended")
    assert suspended["why"] == "by SIGTSTP"
    assert viewer.event("suspended")["at"] == suspended["at"]
    late = run.connect()
    late.say("watch")
    assert late.event("state")["suspended"] == suspended["at"]
    run.say("cont")
    run.event("continued")
    viewer.type(b"on\r")
    viewer.until(b"got on")
    assert run.ended().kind == "done"


def test_a_stopped_child_of_a_shell_is_the_shells_affair(jobs: Room) -> None:
    run = jobs.keep(
        "bash", "--norc", "-i", pty=True, env={"PS1": "next: ", "TERM": "dumb", "CHILD": TELLS_ITS_SIGNALS}
    )
    run.began()
    viewer = run.attach()
    viewer.type(b'python3 -c "$CHILD"\r')
    viewer.until(b"child is up\r\n")
    viewer.type(b"abc\r")
    viewer.until(b"got abc\r\n")
    viewer.type(b"\x1a")
    viewer.until(b"Stopped")
    viewer.until(b"next: ")
    viewer.type(b"fg\r")
    viewer.until(b"child goes on\r\n")
    viewer.type(b"xyz\r")
    viewer.until(b"got xyz\r\n")
    viewer.type(b"\x03")
    viewer.until(b"KeyboardInterrupt")
    viewer.until(b"next: ")
    viewer.type(b"exit 6\r")
    assert run.ended().code == 6


def test_the_size_is_that_of_the_writer(jobs: Room) -> None:
    program = TELLS_ITS_SIZE.format(begin="told()", words="it is")
    run = jobs.keep("python3", "-c", program, pty=True, rows=30, columns=90, ready="log:30 90")
    run.event("ready")
    viewer = run.attach(rows=40, columns=100)
    viewer.until(b"40 100\r\n")
    reader = run.attach(rows=10, columns=10)
    assert reader.attached["write"] is False  # type: ignore[attr-defined]
    assert "somebody else" in reader.attached["why"]  # type: ignore[attr-defined]
    reader.say("size", rows=11, columns=11)
    viewer.say("size", rows=41, columns=101)
    assert b"11 11" not in viewer.until(b"41 101\r\n")
    assert b"10 10" not in reader.until(b"41 101\r\n")
    end(run)


def test_when_the_writer_leaves_nobody_becomes_one_by_itself(jobs: Room) -> None:
    run = jobs.keep("cat", pty=True)
    run.began()
    first, second = run.attach(), run.attach()
    first.say("detach")
    second.type(b"not heard\r")
    third = run.attach()
    assert third.attached["write"] is True  # type: ignore[attr-defined]
    third.type(b"heard\r")
    assert b"not heard" not in second.until(b"heard\r\nheard\r\n")
    end(run)


def test_a_late_viewer_is_shown_the_last_lines(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "seq 1000; echo up; read x", pty=True, rows=10, ready="log:up")
    run.event("ready")
    viewer = run.attach(rows=10, replay=True)
    seen = viewer.until(b"up\r\n")
    assert seen.startswith(b"993\r\n")
    end(run)


def test_a_full_screen_program_is_asked_to_paint_anew(jobs: Room) -> None:
    begin = "w('\\33[?10'); time.sleep(0.1); w('49h\\33[?25lup')"
    run = jobs.keep(
        "python3", "-c", TELLS_ITS_SIZE.format(begin=begin, words="painted"), pty=True, rows=24, columns=80, ready="log:up"
    )  # fmt: skip
    run.event("ready")
    viewer = run.attach(rows=24, columns=80, replay=True)
    seen = viewer.until(b"painted 24 80\r\n")
    assert seen.startswith(b"\x1b[?1049h\x1b[?25l")
    assert b"up" not in seen  # the log is no picture
    end(run)


def test_what_was_painted_on_the_other_screen_is_not_replayed(jobs: Room) -> None:
    script = r"printf 'before\033[?1049hpainted\033[?1049lafter'; read x"
    run = jobs.keep("bash", "-c", script, pty=True, ready="log:after")
    run.event("ready")
    assert run.attach(replay=True).until(b"after") == b"after"
    end(run)


def test_a_viewer_that_is_too_slow_holds_up_nobody(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "read x; seq 300000; echo the end; read y", pty=True, ready="log:the end")
    run.began()
    slow = run.attach()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.type(b"\r")
    run.event("ready")  # all of it has been printed, though nobody has looked
    shown = 0
    while True:
        kind, body = slow.frame()
        if kind == DATA:
            shown += len(body)
        elif b"skipped" in body:
            break
    assert shown < 2 << 20
    assert slow.until(b"the end\r\n").endswith(b"300000\r\nthe end\r\n")  # the replay
    slow.type(b"\r")
    run.ended()
    lines = run.text().split(b"\r\n")
    assert [int(line) for line in lines if line.isdigit()] == list(range(1, 300_001))


def test_the_output_of_a_job_with_a_terminal_is_complete(jobs: Room) -> None:
    for _ in range(10):
        run = jobs.keep("seq", "5000", pty=True)
        assert run.ended().kind == "done"
        assert run.text() == b"".join(b"%d\r\n" % n for n in range(1, 5001))


def test_a_job_that_closes_its_terminal_makes_nobody_spin(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "echo up; exec sleep 1000 <&- >&- 2>&-", pty=True, ready="log:up")
    run.event("ready")
    before = _turns(run.keeper)
    other = run.connect()
    for _ in range(20):
        other.say("watch")
        other.event("state")
    assert _turns(run.keeper) - before <= 60
    end(run)


def _turns(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary"))


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_another_user_is_sent_away(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000")
    run.began()
    for folder in (jobs.top, jobs.places.runtime):
        os.chmod(folder, 0o755)
    os.chmod(jobs.places.keeper(run.job, 1), 0o777)
    pid = os.fork()
    if not pid:
        code = 3
        try:
            os.setuid(65534)
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(jobs.places.keeper(run.job, 1))
            code = 0 if sock.recv(1) == b"" else 1
        except ConnectionResetError:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    for folder in (jobs.top, jobs.places.runtime):
        os.chmod(folder, 0o700)
    end(run)
