"""A supervised service: a database, a web server that needs it, and somebody who keeps both running.

Things go wrong here in every way.  Watch who is started again with whom, and when it is given up.
"""

import os
import queue
import signal
import sys

from procession import ChildSpec, RestartLimitReached, Supervisor, ready


def database() -> None:
    """Runs until it is asked to end, and then tidies up."""

    def close(*_: object) -> None:
        print("    database: all written, good night", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, close)
    ready("3 tables")  # from here on others may be started that need it
    while True:
        signal.pause()


def web(port: int) -> None:
    """Serves until it is killed."""
    ready(f"http://localhost:{port}")
    while True:
        signal.pause()


happenings: queue.SimpleQueue = queue.SimpleQueue()


def report(event) -> None:
    """Called for everything that happens to a child."""
    print(event, flush=True)
    happenings.put((event.child, event.what))


def wait_for(*wanted: tuple[str, str]) -> None:
    """Returns when one of these has happened."""
    while happenings.get() not in wanted:
        pass


if __name__ == "__main__":
    supervisor = Supervisor(
        [
            ChildSpec("database", database, ready=True),
            ChildSpec("web", web, (8080,), ready=True),
        ],
        strategy="rest_for_one",  # who fails is started again, with all that were started after it
        max_restarts=2,
        within=60,
        on_event=report,
    )
    try:
        with supervisor:  # starts the children in order; at the end of the block stops them in reverse
            wait_for(("web", "ready"))
            print(supervisor.status())
            for victim in ("web", "database", "web"):  # the third one is one too many
                print(f"--- {victim} is killed ---", flush=True)
                os.kill(supervisor.status()[victim].pid, signal.SIGKILL)
                wait_for(("web", "ready"), ("web", "giving up"))
    except RestartLimitReached as error:
        print("---", error)
    print(supervisor.status())
