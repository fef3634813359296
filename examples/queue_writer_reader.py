"""A queue between processes: two write, one reads, nobody takes the same item twice."""

from procession import Process, Queue


def write(queue, name: str, count: int) -> None:
    """Puts ``count`` items and ends; they stay in the queue for whoever comes later."""
    for number in range(count):
        queue.put((name, number))
    queue.put((name, None))  # "I have no more"


def read(queue, writers: int, results) -> None:
    """Takes items until each writer has said that it has no more."""
    found: dict[str, list[int]] = {}
    while writers:
        name, number = queue.get()  # waits for an item
        if number is None:
            writers -= 1
        else:
            found.setdefault(name, []).append(number)
    results.put(found)


if __name__ == "__main__":
    queue, results = Queue(), Queue()
    names = ("a", "b")
    processes = [Process(target=write, args=(queue, name, 1000)) for name in names]
    processes.append(Process(target=read, args=(queue, len(names), results)))
    for process in processes:
        process.start()

    found = results.get()
    for process in processes:
        process.join()
    for name in names:
        # First in, first out, for each writer; between two writers anything may come first.
        print(f"from {name}: {len(found[name])} items, in order: {found[name] == sorted(found[name])}")
