"""A pool whose tasks share a queue: handed to them as an argument, like anything else.

With ``multiprocessing`` this is refused ("through inheritance"), and a Manager has to help.
"""

from procession import Pool, Queue


def work(number: int, progress) -> int:
    """Reports what it does while it does it."""
    progress.put(("begun", number))
    result = number**2
    progress.put(("done", number))
    return result


if __name__ == "__main__":
    progress = Queue()
    with Pool(2) as pool:
        tasks = [pool.apply_async(work, (number, progress)) for number in range(5)]
        for _ in range(2 * len(tasks)):
            what, number = progress.get()
            if what == "done":
                print(f"task {number} is done", flush=True)
        print("results", [task.get() for task in tasks])
