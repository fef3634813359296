"""Submits one job after the other to a daemon that is up, and prints how long each took until it ran, in seconds."""

from __future__ import annotations

import sys
import time

from procession.jobs import Client


def main(times: int) -> None:
    """The clock of the request and that of the keeper are the same: Unix time of this machine."""
    with Client() as client:
        for number in range(times + 5):
            asked = time.time()
            job = client.submit(["true"])
            client.wait([job.id])
            (run,) = client.runs(job.id)
            if number >= 5:
                assert run.outcome is not None
                assert run.outcome.began is not None
                print(run.outcome.began - asked)


if __name__ == "__main__":
    main(int(sys.argv[1]))
