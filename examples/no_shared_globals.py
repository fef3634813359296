"""No shared globals: a child changes its own copy.  What is to be shared has to be made for it."""

from procession import Process, Value

counter = 0  # every process has one of these


def count_up(shared) -> None:
    """Adds 1 to the global, a thousand times to the shared value."""
    global counter
    counter += 1
    for _ in range(1000):
        with shared.get_lock():  # without the lock two processes could read the same number and lose one
            shared.value += 1
    print(f"in a child: global {counter}", flush=True)


if __name__ == "__main__":
    shared = Value("i", 0)  # an int in memory that several processes see
    processes = [Process(target=count_up, args=(shared,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(f"in the parent: global {counter}, shared {shared.value}")
