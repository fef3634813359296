"""Bindings of keys.  They have priority: Textual then acts on a key before it looks at the next one.

Without, a key is first offered to a widget and acted on when it comes back from there, by which time a fast hand, or
a paste, has sent further keys to a screen that is not meant any more.
"""

from __future__ import annotations

from textual.binding import Binding


def bound(keys: str, action: str) -> Binding:
    """``keys``: as Textual names them, with commas between."""
    return Binding(keys, action, show=False, priority=True)
