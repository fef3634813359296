"""A pool: many tasks, few processes, results in the order of the tasks.

What happens when tasks hang or kill their worker: pool_with_retries.py.
"""

import os

from procession import Pool


def square(number: int) -> tuple[int, int]:
    """The result, and who found it."""
    return number * number, os.getpid()


def divide(one: int, other: int) -> float:
    """May fail."""
    return one / other


if __name__ == "__main__":
    with Pool(processes=3) as pool:  # three processes, however many tasks
        results = pool.map(square, range(100))  # no chunksize: how many travel together is found out
        workers = {pid for _, pid in results}
        print(f"sum of squares {sum(value for value, _ in results)}, at most 3 workers: {len(workers) <= 3}")

        later = pool.apply_async(divide, (1, 8))  # one task; its result is fetched when it is needed
        print(f"1 / 8 = {later.get()}")

        try:
            pool.apply(divide, (1, 0))
        except ZeroDivisionError as error:  # raised in a worker, caught here; the worker goes on
            print(f"1 / 0: {error}")
        print(f"two arguments each: {pool.starmap(divide, [(1, 2), (3, 4)])}")
