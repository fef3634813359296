"""A pool whose tasks may fail, hang or kill their worker: time limits, retries, progress, and a report.

Nothing of that stops the others, and each failure says why.
"""

import os
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from procession import Pool, WorkerDied, current_worker


def download(name: str, folder: str) -> str:
    """Pretends to.  Some names are trouble."""
    current_worker().note(f"downloading {name}")  # stands in the error if the worker dies of it
    attempts = Path(folder) / name
    with attempts.open("a") as file:
        file.write("x")
    count = attempts.stat().st_size
    if name == "moody" and count < 3:  # works at the third attempt
        raise ConnectionError("try again")
    if name == "endless":
        time.sleep(3600)
    if name == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{name}, attempt {count}"


def show(progress) -> None:
    """Called by the pool, ten times a second and at the end; ``progress=True`` would draw a bar instead."""
    print(f"{progress.ended} of {progress.total} have ended, {progress.failed} failed", flush=True)


if __name__ == "__main__":
    names = ["one", "moody", "endless", "two", "deadly", "three"]
    with TemporaryDirectory() as folder, Pool(3, name="downloads") as pool:
        results = pool.starmap(
            download,
            [(name, folder) for name in names],
            timeout=0.5,  # seconds for each attempt; whoever takes longer is ended, and nobody else
            retries=2,
            retry_on=(ConnectionError, WorkerDied),  # but not after a TaskTimeout
            backoff=0.05,  # seconds before the first retry, then twice that
            errors="return",  # a failure stands in the place of the result
            progress=show,
        )
        for name, result in zip(names, results, strict=True):
            print(f"{name}: {result}")
        stats = pool.stats()
        print(f"{stats.done} done, {stats.failed} failed, {stats.retried} retries")
        for why in stats.replaced:
            print(why)
