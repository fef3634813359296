"""Figures of a running pool, for its user and for the record that others read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.pool.runner import Runner


class Meters:
    """What is measured on the way."""

    def __init__(self, runner: Runner, name: str, method: str) -> None:
        self._runner = runner
