"""What a thread waits for, as data: made by ``facts_*.py`` from the kernel's word, read by the explanations and by
the graph of waits."""

from __future__ import annotations

from procession.records import record


@record
class Party:
    """Who can end a wait: a process, or one thread of it.  ``role``: "writer", "reader", "holder", ..."""

    pid: int
    role: str
    fd: int = -1
    tid: int = 0  # 0: any of its threads can


@record
class Wait:
    """``kind``: pipe, socket, listener, terminal, file, device, futex, thread, child, vfork, timer, signal, lock, poll,
    fifo, notice (eventfd, signalfd and the like), disk, or unknown and refused.  ``call``: the system call.
    ``what``: the thing in words.  ``parties``: the processes that can end it; all of them must act if ``every``.
    ``outside``: somebody whom the graph does not know can end it as well: another machine, a person, a clock.
    ``unseen``: there may be more parties, in processes that are not ours to look into.
    """

    pid: int
    tid: int
    kind: str
    call: str
    what: str = ""
    fd: int = -1
    writing: bool = False
    parties: tuple[Party, ...] = ()
    every: bool = False
    outside: bool = False
    unseen: bool = False
    timeout: float | None = None  # seconds that were asked for; None: for ever, or not known
    note: str = (
        ""  # one more fact in words; of a timer: "asked", or "left" where the timeout is what is left of it
    )
    parts: tuple[Wait, ...] = ()  # of a poll: each that it watches

    @property
    def others(self) -> tuple[Party, ...]:
        """Parties that are other processes, or other threads of the same one."""
        return tuple(each for each in self.parties if each.pid != self.pid or each.tid not in (0, self.tid))

    @property
    def is_own(self) -> bool:
        """Is it only the process itself that could end it?"""
        return bool(self.parties) and all(each.pid == self.pid and not each.tid for each in self.parties)
