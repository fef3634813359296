"""Alone in its file, because both sides of ``bench.kit.apart`` need it and one of them imports nothing else."""

from __future__ import annotations


class Stuck(Exception):
    """A run did not come to its end."""
