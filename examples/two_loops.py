"""Two loops side by side: each in a process of its own, so neither waits for the other."""

import time

from procession import Process


def count(name: str, times: int, pause: float) -> None:
    """Counts slowly: ``pause`` seconds from one number to the next."""
    for number in range(1, times + 1):
        print(f"{name} {number}", flush=True)
        time.sleep(pause)


# With the start methods spawn and forkserver a child imports this file to find ``count``.  What stands below
# this line is only for the program itself, not for its children.
if __name__ == "__main__":
    begun = time.monotonic()
    slow = Process(target=count, args=("slow", 3, 0.3))
    fast = Process(target=count, args=("fast", 9, 0.1))

    slow.start()  # returns at once: from here on there are two processes ...
    fast.start()  # ... and here three, this one and its two children

    slow.join()  # waits for the end of a child
    fast.join()
    print(f"both are done; one after the other would have taken {2 * 0.9:.1f} s, exit codes:", end=" ")
    print(slow.exitcode, fast.exitcode)
