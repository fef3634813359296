"""A launcher without processes, for a real Supervisor: its children end when a test says so."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from procession.process.childspec import ChildSpec


class Puppet:
    """What a Supervisor takes for a process."""

    def __init__(self, name: str, pid: int, deaf: bool) -> None:
        self.name = name
        self.pid = pid
        self.deaf = deaf
        self.exitcode = 0
        self.sentinel = os.eventfd(0, os.EFD_CLOEXEC)

    def end(self, code: int = 0) -> None:
        """End with this code, or by signal -code."""
        self.exitcode = code
        os.eventfd_write(self.sentinel, 1)

    def terminate(self) -> None:
        if not self.deaf:
            self.end(-15)

    def kill(self) -> None:
        self.end(-9)

    def join(self) -> None:
        pass

    def close(self) -> None:
        os.close(self.sentinel)


class Puppets:
    """``launcher=Puppets()``.  ``broken``: names that do not start; ``deaf``: that ignore SIGTERM."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.ignored: set[str] = set()
        self.deaf: set[str] = set()
        self.all: list[Puppet] = []
        self._news = threading.Condition()

    def __call__(self, spec: ChildSpec, target: Callable[..., None], args: tuple[Any, ...]) -> Any:
        if spec.id in self.broken:
            raise OSError("broken")
        if spec.id in self.ignored:
            return None
        with self._news:
            puppet = Puppet(spec.id, 1000 + len(self.all), spec.id in self.deaf)
            self.all.append(puppet)
            self._news.notify_all()
        return puppet

    def __getitem__(self, name: str) -> Puppet:
        """The latest of this name."""
        return next(puppet for puppet in reversed(self.all) if puppet.name == name)

    @property
    def names(self) -> list[str]:
        """In the order in which they were started."""
        return [puppet.name for puppet in self.all]

    def wait_for(self, count: int) -> None:
        """Until so many have been started altogether."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.all) >= count, 20), self.names
