"""Two processes in order: the second begins when the first has ended well.

Everywhere: ``first.join()`` before ``second.start()``.  That makes the parent wait.  With ``after=`` the
order is said once, ``start`` returns at once, and a failed first one is an error with a reason.
"""

import sys

from procession import DependencyFailed, Process


def fetch(code: int) -> None:
    """The first step; ends with this exit code."""
    print(f"fetch: begins, will end with {code}", flush=True)
    sys.exit(code)


def unpack() -> None:
    """The second step, which needs the first."""
    print("unpack: begins", flush=True)


if __name__ == "__main__":
    for code in (0, 3):
        first = Process(target=fetch, args=(code,), name="fetch")
        second = Process(target=unpack, name="unpack", after=[first])
        second.start()  # the order of these two lines does not matter
        first.start()
        try:
            second.result()  # waits
            print(f"unpack: {second.exit.reason}", flush=True)
        except DependencyFailed as error:
            print(f"not begun: {error}", flush=True)
