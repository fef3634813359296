"""A zombie and an orphan, made on purpose with os.fork, and what becomes of them with Process.

A zombie has ended, and its parent has not asked how: the kernel keeps its number until somebody does.
An orphan lives on after its parent; the kernel gives it to pid 1, or to a helper that asked for orphans.
"""

import os
import select
import signal
import time

from procession import Pipe, Process


def state(pid: int) -> str:
    """What the kernel says (proc_pid_stat(5)): R running, S sleeping, Z zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            letter = file.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"
    return "a zombie" if letter == "Z" else "alive"


def make_a_zombie() -> None:
    """The child ends and the parent does not ask; then it does."""
    pid = os.fork()
    if pid == 0:
        os._exit(3)  # here we are the child
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # waits for its end without taking the exit code
    print(f"the child has ended: {state(pid)}")
    _, status = os.waitpid(pid, 0)  # takes it: with this the number is free again
    print(f"after waitpid: {state(pid)}, exit code {os.waitstatus_to_exitcode(status)}")


def make_an_orphan() -> None:
    """The child has a child, and ends first."""
    answer, tell = os.pipe()
    middle = os.fork()
    if middle == 0:
        parent = os.pidfd_open(os.getpid())  # readable when this process has ended
        if os.fork() == 0:
            select.select([parent], [], [])
            os.write(tell, str(os.getppid()).encode())
        os._exit(0)
    os.waitpid(middle, 0)
    new_parent = int(os.read(answer, 100))
    print(f"its parent was {middle}, and now it is {new_parent}: an orphan ({new_parent != middle})")


def do_nothing() -> None:
    """Ends at once."""


def stay() -> None:
    """Does not end by itself."""
    signal.pause()


def have_a_child(told) -> None:
    """Says who its child is, and stays."""
    child = Process(target=stay)
    child.start()
    told.send(child.pid)
    stay()


def the_same_with_process() -> None:
    """procession reaps each child at its end, and no child outlives its parent."""
    process = Process(target=do_nothing)
    process.start()
    select.select([process.sentinel], [], [])  # readable when the process has ended
    time.sleep(0.2)  # somebody could have seen to it by now
    print(f"a Process that has ended and was not joined: {state(process.pid)}")
    process.join()

    here, there = Pipe()
    parent = Process(target=have_a_child, args=(there,))
    parent.start()
    child = here.recv()
    pidfd = os.pidfd_open(child)  # readable when the child has ended
    parent.kill()
    parent.join()
    if select.select([pidfd], [], [], 2)[0]:
        print("the child of a killed Process: ended with it")
    else:
        print("the child of a killed Process: an orphan, nobody will ever end it")
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)


if __name__ == "__main__":
    make_a_zombie()
    make_an_orphan()
    the_same_with_process()
