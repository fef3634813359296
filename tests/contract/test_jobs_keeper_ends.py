"""What becomes of a run: codes, signals, time-outs, leftovers, and all that is told about it."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from procession.jobs import claims
from procession.linux.procfs import start_time
from tests.contract.keeperkit import Room, is_dead, wait_until
from tests.harness import processes


@pytest.mark.parametrize("pty", [False, True], ids=["pipe", "pty"])
@pytest.mark.parametrize("code", [0, 3, 255])
def test_exit_codes(jobs: Room, code: int, pty: bool) -> None:
    run = jobs.keep("sh", "-c", f"exit {code}", pty=pty)
    told = run.began()
    outcome = run.ended()
    assert (outcome.kind, outcome.code, outcome.signal) == ("failed" if code else "done", code, None)
    assert (outcome.pid, outcome.began) == (told["pid"], told["at"])
    assert outcome.ended is not None
    assert outcome.ended >= told["at"]
    assert not os.path.exists(jobs.places.keeper(run.job, 1))


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_signals(jobs: Room, signum: signal.Signals) -> None:
    run = jobs.keep("sh", "-c", f"kill -{signum.value} $$")
    outcome = run.ended()
    assert (outcome.kind, outcome.code, outcome.signal) == ("killed", None, signum)
    assert signum.name in outcome.reason


def test_a_signal_that_was_sent_through_the_keeper_is_known(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000")
    run.began()
    run.say("signal", signal=int(signal.SIGUSR1), tree=False)
    outcome = run.ended()
    assert (outcome.kind, outcome.signal) == ("killed", signal.SIGUSR1)
    assert outcome.reason.endswith("sent by pn")


@pytest.mark.parametrize(
    ("command", "more", "code", "words"),
    [
        (("no-such-command",), {}, 127, "no-such-command"),
        (("/etc/passwd",), {}, 126, "Permission denied"),
        (("./nothing",), {"cwd": "/"}, 127, "./nothing"),
        (("true",), {"cwd": "/no/such/folder"}, 126, "/no/such/folder"),
        (("/",), {}, 126, "Permission denied"),
        (("",), {}, 126, "empty"),
    ],
    ids=["missing", "no program", "missing path", "missing folder", "folder", "empty"],
)
def test_a_command_that_cannot_be_started(
    jobs: Room, command: tuple[str, ...], more: dict[str, Any], code: int, words: str
) -> None:
    outcome = jobs.keep(*command, **more).ended()
    assert (outcome.kind, outcome.code) == ("unstarted", code)
    assert words in outcome.reason
    assert "\n" not in outcome.reason


def test_a_script_without_an_interpreter_is_one_of_the_shell(jobs: Room) -> None:
    path = f"{jobs.top}/script"
    with open(path, "w") as file:
        file.write("echo from a script; exit 4\n")
    os.chmod(path, 0o700)
    run = jobs.keep(path)
    assert run.ended().code == 4
    assert run.text() == b"from a script\n"


def test_what_the_command_finds(jobs: Room) -> None:
    run = jobs.keep(
        "echo $MINE; pwd; umask; ulimit -n; nice; cat; echo $PN_TREE; ls /proc/self/fd | wc -l",
        shell=True, cwd="/tmp", umask=0o027, files=123, nice=3, env={"MINE": "a b", "PN_TREE": "outer"},
    )  # fmt: skip
    assert run.ended().kind == "done"
    own, folder, umask, files, nice, mark, count = run.text().split(b"\n")[:-1]
    assert (own, folder, umask, files, nice) == (b"a b", b"/tmp", b"0027", b"123", b"3")
    assert mark.decode() == run.mark  # and not the outer one: the end of that tree is not the end of this job
    assert int(count) == 5  # 0, 1, 2, the one of ls, and what keeps the command to its keeper


def test_a_name_that_is_no_utf8_comes_through(jobs: Room) -> None:
    name = os.fsdecode(b"\xff\n\x1b[31m")
    run = jobs.keep("printf", "%s", name, env={"ODD": name})
    assert run.ended().kind == "done"
    assert run.text() == b"\xff\n\x1b[31m"


def test_the_state_is_told_to_who_watches(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000")
    began = run.began()
    late = run.connect()
    late.say("watch")
    state = late.event("state")
    assert (state["job"], state["run"], state["pid"], state["start"]) == (
        run.job, 1, began["pid"], start_time(began["pid"]),
    )  # fmt: skip
    assert (state["since"], state["ready"], state["suspended"]) == (began["at"], began["at"], None)
    run.say("end", grace=0, kind="stopped", why="was ended by a test")
    outcome = run.ended()
    assert late.event("ended")["outcome"]["reason"] == outcome.reason == "was ended by a test"


def test_the_end_that_was_asked_for(jobs: Room) -> None:
    run = jobs.keep(
        "sh", "-c", "trap 'echo asked; exit 9' TERM; echo up; while :; do sleep 0.05; done", ready="log:up"
    )
    run.event("ready")
    run.say("end", grace=30)
    outcome = run.ended()
    assert (outcome.kind, outcome.code) == ("stopped", 9)
    assert run.text().endswith(b"asked\n")


def test_who_does_not_listen_is_killed_after_the_grace(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done", ready="log:up")
    run.event("ready")
    run.say("end", grace=0.3)
    outcome = run.ended()
    assert (outcome.kind, outcome.signal) == ("stopped", signal.SIGKILL)


def test_a_second_end_can_be_sooner(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done", ready="log:up")
    run.event("ready")
    run.say("end", grace=10_000)
    run.say("end", grace=0)
    assert run.ended().signal == signal.SIGKILL


def test_a_stopped_one_can_be_ended(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000")
    run.began()
    run.say("stop")
    assert run.event("suspended")["why"] == "by SIGSTOP"
    run.say("end", grace=30)
    assert run.ended().signal == signal.SIGTERM


def test_stop_and_cont_of_the_whole_tree(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "setsid sleep 1000 & sleep 1000 & echo up; wait", ready="log:up")
    run.event("ready")
    wait_until(lambda: len(processes.descendants(run.keeper)) == 3, "its children")
    tree = processes.descendants(run.keeper)
    run.say("stop")
    run.event("suspended")
    wait_until(lambda: {processes.state_and_parent(pid)[0] for pid in tree} == {"T"}, "all stop")
    run.say("cont")
    run.event("continued")
    wait_until(lambda: "T" not in {processes.state_and_parent(pid)[0] for pid in tree}, "all go on")
    run.say("end", grace=10)
    run.ended()
    assert all(is_dead(pid) for pid in tree)


def test_a_timeout(jobs: Room) -> None:
    outcome = jobs.keep("sleep", "1000", timeout=0.2).ended()
    assert (outcome.kind, outcome.signal) == ("timeout", signal.SIGTERM)
    assert outcome.reason == "was ended: it took longer than 0.2 s"


def test_leftovers_are_ended_wherever_they_are(jobs: Room) -> None:
    script = "setsid sh -c 'sleep 1000 & trap \"\" TERM; echo $$; while :; do sleep 0.1; done' & read x < /dev/null; sleep 0.3; exit 5"
    run = jobs.keep("bash", "-c", script, grace=0.3)
    outcome = run.ended()
    assert (outcome.kind, outcome.code) == ("failed", 5)
    assert outcome.leftovers >= 2
    assert is_dead(int(run.text()))


def test_leftovers_can_be_waited_for(jobs: Room) -> None:
    gate = f"{jobs.top}/gate"
    os.mkfifo(gate)
    run = jobs.keep("sh", "-c", f"(read x < {gate}; echo late) & echo early; exit 2", leftovers="wait")
    run.began()
    line = run.connect()
    line.say("follow")
    while line.event("log")["bytes"] < len("early\n"):
        pass
    with open(gate, "w") as file:
        file.write("go\n")
    outcome = run.ended()
    assert (outcome.code, outcome.leftovers) == (2, 0)
    assert run.text() == b"early\nlate\n"


def test_leftovers_are_waited_for_until_the_timeout(jobs: Room) -> None:
    outcome = jobs.keep("sh", "-c", "sleep 1000 & exit 2", leftovers="wait", timeout=0.5).ended()
    assert (outcome.kind, outcome.code, outcome.leftovers) == ("failed", 2, 1)


def test_leftovers_that_end_by_themselves_are_left_to_it(jobs: Room) -> None:
    run = jobs.keep("bash", "-c", "exec > >(cat); echo through a pipe")
    outcome = run.ended()
    assert (outcome.code, outcome.leftovers) == (0, 0)
    assert run.text() == b"through a pipe\n"


def test_a_fork_bomb_of_sorts_is_ended(jobs: Room) -> None:
    run = jobs.keep("sh", "-c", "trap '' TERM; f() { sleep 0.02; f & f & }; echo up; f; wait", ready="log:up")
    run.event("ready")
    run.say("end", grace=0)
    assert run.ended().kind == "stopped"


def test_a_run_that_is_void_does_not_begin(jobs: Room) -> None:
    jobs._numbers += 1
    number = jobs._numbers
    os.mkdir(jobs.places.run(number, 1))
    assert claims.void(jobs.places.run(number, 1))
    jobs._numbers -= 1
    os.rename(jobs.places.run(number, 1), f"{jobs.top}/held")
    # The order makes its folder; the void claim lies there before the nursery reads it.
    real = os.mkdir

    def with_the_void_claim(path: str, mode: int) -> None:
        os.rename(f"{jobs.top}/held", path)

    os.mkdir = with_the_void_claim  # type: ignore[assignment]
    try:
        run = jobs.keep("touch", f"{jobs.top}/began")
    finally:
        os.mkdir = real
    run._gone()
    assert not os.path.exists(f"{jobs.top}/began")
    assert not os.path.exists(run.log)


def test_a_keeper_that_is_killed_takes_its_command_along(jobs: Room) -> None:
    script = "sh -c 'sleep 1000' & setsid sh -c 'setsid sleep 1000 & wait' & echo $$ $!; wait"
    run = jobs.keep("sh", "-c", script, ready="log:\n")
    run.began()
    run.event("ready")
    wait_until(lambda: len(processes.descendants(run.keeper)) == 5, "its children")
    keeper, tree = run.keeper, processes.descendants(run.keeper)
    processes.kill(keeper)
    run._gone()
    wait_until(lambda: is_dead(run.pid), "the command dies with its keeper")
    claim, alive = claims.holder(run.folder)
    assert claim is not None
    assert (claim.pid, alive) == (keeper, False)
    assert claims.read_outcome(run.folder) is None
    jobs.sweep(run.mark)
    assert all(is_dead(pid) for pid in tree)


def test_a_keeper_that_is_told_to_end_ends_its_job(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000")
    run.began()
    os.kill(run.keeper, signal.SIGTERM)
    outcome = run.ended()
    assert outcome.kind == "stopped"
    assert "SIGTERM" in outcome.reason


@pytest.mark.parametrize("kind", ["log", "file", "port"])
def test_ready(jobs: Room, kind: str) -> None:
    gate, flag = f"{jobs.top}/ready-{kind}", f"{jobs.top}/flag-{kind}"
    os.mkfifo(gate)
    program = (
        "import socket, sys, time; open(sys.argv[1]).read(); s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen();"
        " open(sys.argv[2], 'w').close(); sys.stdout.write('it is re'); sys.stdout.flush(); time.sleep(0.05);"
        " print('ady now', flush=True); time.sleep(1000)"
    )
    port = _free_port()
    program = program.replace("0)); s.listen", f"{port})); s.listen")
    what = {"log": "log:is ready", "file": f"file:{os.path.basename(flag)}", "port": f"port:{port}"}[kind]
    run = jobs.keep("python3", "-c", program, gate, flag, cwd=jobs.top, ready=what)
    run.began()
    other = run.connect()
    other.say("watch")
    assert other.event("state")["ready"] is None
    with open(gate, "w"):
        pass
    at = run.event("ready")["at"]
    other.say("watch")
    assert other.event("state")["ready"] == at
    run.say("end", grace=0)
    run.ended()


def _free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_an_order_that_makes_no_sense_ends_no_other(jobs: Room) -> None:
    jobs.send({"do": "keep", "job": "x"})
    jobs.send({"do": "dance"})
    jobs.send({"do": "sweep", "mark": "../.."})
    assert jobs.keep("true").ended().kind == "done"


def test_requests_that_make_no_sense_hurt_nobody(jobs: Room) -> None:
    run = jobs.keep("sleep", "1000")
    run.began()
    line = run.connect()
    for message in (
        {"do": "dance"},
        {"do": "signal"},
        {"do": "signal", "signal": 1 << 70},
        {"do": "end", "grace": "x"},
    ):
        line.say(**message)
        assert line.event("error")["why"]
    for raw in (b"\0\0\0\0", b"\xff\xff\xff\xffJ", b"\0\0\0\5Jabcd", b"\0\0\0\3J[]", b"\0\0\0\2X1"):
        bad = run.connect()
        bad.sock.sendall(raw)
        with pytest.raises((EOFError, ConnectionResetError)):
            bad.frame()
    run.say("end", grace=0)
    assert run.ended().kind == "stopped"
