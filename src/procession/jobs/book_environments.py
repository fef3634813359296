"""Environments, of which many jobs share one: kept once, by the hash of what is in them."""

from __future__ import annotations

import hashlib
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def packed(environment: Mapping[str, str]) -> tuple[str, str]:
    """(its hash, its body).  The order of the variables makes no difference."""
    body = json.dumps(sorted(environment.items()), separators=(",", ":"))
    return hashlib.sha256(body.encode("ascii")).hexdigest(), body


def restored(body: str) -> dict[str, str]:
    """What ``packed`` has made a body of."""
    return dict(json.loads(body))
