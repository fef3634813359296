"""The keepalive pipe: children that end with their parent, whatever the parent died of.

::

    parent                        child
    write end (never written) --> read end, opened anew: a file description of its own,
                                  owner = child, signal = SIGKILL, O_ASYNC
    dies: the last write end closes --> the kernel signals every child

No thread in the child and no co-operation of its code: a child inside a C call that never gives the
GIL back is signalled all the same.  PR_SET_PDEATHSIG would fire when the *thread* that forked ends.

Quirks, with their sources:

- F_SETOWN, F_SETSIG and O_ASYNC belong to the open file description, which fork shares (fcntl(2)):
  without the reopening the last child would take the signals of all.
- O_ASYNC has no effect in open(2) (its BUGS section): it is set by F_SETFL.
- F_SETOWN holds on to the process, not to its number, so re-use of the pid is harmless, and a pid is
  read in the pid namespace of the caller: each child arms itself and never another one.
- Before Linux 5.6 the kernel sent the signal when *any* end of the pipe closed, a brother's end too
  (fs/pipe.c, changed by "pipe: make sure to wake up everybody when the last reader/writer closes").
  There, and where /proc is missing, PR_SET_PDEATHSIG has to do: see ``mechanism``.
"""

from __future__ import annotations

import fcntl
import os
import select

from procession.records import record

SIGKILL = 9


@record
class Keepalive:
    """The two ends of the pipe; both close-on-exec, like all descriptors that Python makes."""

    read_fd: int
    write_fd: int


def open_keepalive() -> Keepalive:
    """Make the pipe, once per parent; one pipe serves any number of children.

    The parent keeps both ends open and never writes.  A fork by other code that neither execs nor calls
    ``enter_child`` keeps a copy of the write end, and with it our children, alive: they end when it does.
    """
    return Keepalive(*os.pipe2(os.O_CLOEXEC))


def enter_child(keepalive: Keepalive, signum: int = SIGKILL) -> int:
    """The first thing a forked child does: drop its copy of the write end, then ``arm``.

    A child that kept the write end would keep its brothers, and itself, alive.
    """
    os.close(keepalive.write_fd)
    return arm(keepalive.read_fd, signum)


def arm(read_fd: int, signum: int = SIGKILL) -> int:
    """Be sent ``signum`` when the last write end closes; the new descriptor, which has to stay open.

    Call it in the child, with the write end closed.  ``read_fd`` is closed.  When the parent is gone
    already the signal is sent at once (so with SIGKILL this never returns).  Raises OSError.
    """
    own = _reopen(read_fd) if mechanism() == "pipe" else None
    if own is None:  # the lesser way; the pipe still tells below whether the parent is gone already
        from procession.linux.prctl import set_parent_death_signal

        own = read_fd
        set_parent_death_signal(signum)
    else:
        fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(own, fcntl.F_SETSIG, signum)
        fcntl.fcntl(own, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        os.close(read_fd)
    # Armed first and looked at second: a parent that dies in between is seen by one of the two.
    if parent_is_gone(own):
        os.kill(os.getpid(), signum)
    return own


def reopen(read_fd: int) -> int:
    """A description of one's own of the read end, to be armed by a child that inherits it."""
    own = _reopen(read_fd) if mechanism() == "pipe" else None
    return os.dup(read_fd) if own is None else own


def arm_group(own: int, signum: int = SIGKILL) -> None:
    """Have ``signum`` sent to our whole process group, which we lead, when the last write end closes.

    It holds as long as the descriptor of ``reopen`` is open in some process, and reaches whoever is in the
    group then.  Where the pipe cannot do that (see ``mechanism``) only the hang-up can be waited for.
    """
    if mechanism() == "pipe":
        fcntl.fcntl(own, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(own, fcntl.F_SETSIG, signum)
        fcntl.fcntl(own, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)


def parent_is_gone(read_fd: int) -> bool:
    """Has the last write end been closed?  Never blocks."""
    poll = select.poll()
    poll.register(read_fd, 0)  # POLLHUP is always reported (poll(2))
    return bool(poll.poll(0))


def keep_through_exec(fd: int) -> int:
    """Let the armed descriptor pass through execve(2), and with it the parent's hold on the new program.

    The pid stays the same over exec and the file description stays open, so the signal still arrives.
    It is lost when the new program closes descriptors that it does not know, or (by sigio_perm in
    fs/fcntl.c) when it is setuid to another user.
    """
    os.set_inheritable(fd, True)
    return fd


def mechanism() -> str:
    """``"pipe"``: the way described above; ``"pdeathsig"``: bound to the parent's forking thread."""
    major, minor = (int(word) for word in os.uname().release.split("-")[0].split(".")[:2])
    return "pipe" if (major, minor) >= (5, 6) and os.path.exists("/proc/self/fd") else "pdeathsig"


def _reopen(read_fd: int) -> int | None:
    try:
        return os.open(f"/proc/self/fd/{read_fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no /proc, or a child that changed its user: the pipe is 0600 of its maker
        return None
