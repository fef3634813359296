"""Who is who: each process has a number of its own, and knows whose child it is."""

import os

from procession import Process, current_process, parent_process


def introduce() -> None:
    """What a child knows about itself."""
    parent = parent_process()
    assert parent is not None  # only the first process has none
    print(f"I am {current_process().name}, pid {os.getpid()}, a child of pid {parent.pid}", flush=True)


def have_a_child() -> None:
    """A child may have children too."""
    introduce()
    grandchild = Process(target=introduce, name="the grandchild")
    grandchild.start()
    grandchild.join()


if __name__ == "__main__":
    print(f"I am {current_process().name}, pid {os.getpid()}, parent: {parent_process()}", flush=True)
    child = Process(target=have_a_child, name="the child")
    print(f"before start() it has no pid: {child.pid}", flush=True)
    child.start()
    print(f"started: {child.name} has pid {child.pid}, alive: {child.is_alive()}", flush=True)
    child.join()
    print(f"ended: alive: {child.is_alive()}, exit code {child.exitcode}")
    # os.getppid() in a child may be another number: with the start method forkserver a small helper process
    # forks the children, and for the kernel they are the helper's.
