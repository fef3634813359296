"""Processes by free words: ``pn ps python alice :8080``."""

from __future__ import annotations

import os

from procession.table.users import user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.table.record import ProcessRecord
    from procession.table.source import Source


class Words:
    """All words must fit.  A number fits the pid and a local port, ``:8080`` only the port; any other word the name
    of the effective user, or a part of the arguments or of the short name, in capitals or not."""

    def __init__(self, words: Iterable[str], source: Source) -> None:
        self._source = source
        self._words = [os.fsencode(word) for word in words]
        ports = [word.lstrip(b":") for word in self._words]
        self._ports = {int(word) for word in ports if word.isdigit() and int(word) < 1 << 16}
        self._holders: dict[int, frozenset[int]] | None = None

    def fit(self, record: ProcessRecord) -> bool:
        """Is it one of those?"""
        return all(self._fits(record, word) for word in self._words)

    def _fits(self, record: ProcessRecord, word: bytes) -> bool:
        if word.startswith(b":") and word[1:].isdigit():
            return self._has_port(record, int(word[1:]))
        if word.isdigit():
            return int(word) == record.pid or self._has_port(record, int(word))
        if word == os.fsencode(user_name(record.uid)):
            return True
        text = record.cmdline_bytes.replace(b"\0", b" ") + b"\0" + record.comm_bytes
        return word.lower() in text.lower()

    def _has_port(self, record: ProcessRecord, port: int) -> bool:
        if self._holders is None:
            self._holders = _inodes(self._ports)
        wanted = self._holders.get(port)
        return wanted is not None and not wanted.isdisjoint(self._sockets(record))

    def _sockets(self, record: ProcessRecord) -> set[int]:
        """Inodes of its sockets; of others' processes they are not ours to know."""
        links = [record.link(f"fd/{number}") for number in self._source.descriptors(record.pid) or ()]
        return {int(link[8:-1]) for link in links if link is not None and link.startswith("socket:[")}


def _inodes(ports: set[int]) -> dict[int, frozenset[int]]:
    """The sockets that are bound to each port."""
    from procession.linux.sockets import read_sockets

    found: dict[int, set[int]] = {}
    for inode, socket in read_sockets(peers=False).items():
        if socket.local_port in ports:
            found.setdefault(socket.local_port, set()).add(inode)
    return {port: frozenset(inodes) for port, inodes in found.items()}
