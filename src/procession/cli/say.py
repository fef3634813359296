"""The form of all our errors."""

from __future__ import annotations

import sys


def say(verb: str, words: str) -> None:
    """``pn VERB: what went wrong: what to do``, on stderr."""
    print(f"pn {verb}: {words}", file=sys.stderr)
