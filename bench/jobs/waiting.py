"""Submits jobs that wait for one that sleeps."""

from __future__ import annotations

import sys

from procession.jobs import Client


def main(count: int) -> None:
    """The first one keeps all others waiting."""
    with Client() as client:
        first = client.submit(["sleep", "86399"])
        for number in range(count):
            client.submit(["make", "all", f"TARGET={number}"], after=(first.id,))


if __name__ == "__main__":
    main(int(sys.argv[1]))
