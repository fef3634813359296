"""Arguments for a process: by position, by name, and what happens to objects on their way."""

import os

from procession import Process


def greet(name: str, *, greeting: str = "Hello", marks: int = 1) -> None:
    """An ordinary function; it does not know that it runs in a process of its own."""
    print(f"{greeting}, {name}{'!' * marks}", flush=True)


def add(numbers: list[int], number: int) -> None:
    """Changes its argument, and nobody sees it."""
    numbers.append(number)
    print(f"in the child: {numbers}", flush=True)


if __name__ == "__main__":
    for process in (
        Process(target=greet, args=("Ada",)),  # one argument: the comma makes it a tuple
        Process(target=greet, args=("Grace",), kwargs={"greeting": "Good morning", "marks": 3}),
    ):
        process.start()
        process.join()

    numbers = [1, 2, 3]
    process = Process(target=add, args=(numbers, 4))
    process.start()
    process.join()
    # The child got a copy.  What it does to it stays there; results come back by a Queue, a Pipe or a Pool.
    print(f"in the parent: {numbers}")
    print(f"still pid {os.getpid()}")
