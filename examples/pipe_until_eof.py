"""A pipe until its end: the reader goes on until nobody is left who could write."""

from procession import Pipe, Process


def tell(writer, lines: list[str]) -> None:
    """Sends its lines, any objects would do, and closes its end."""
    for line in lines:
        writer.send(line)
    writer.close()


if __name__ == "__main__":
    reader, writer = Pipe(duplex=False)  # one way; with duplex=True (the default) both ends send and receive
    process = Process(target=tell, args=(writer, ["one", "two", "three"]))
    process.start()

    # This process has a copy of the writing end.  As long as that is open somebody could still write, and
    # recv() below would wait for it for ever.
    writer.close()

    try:
        while True:
            print("received", reader.recv())
    except EOFError:
        print("the end: nobody has the writing end any more")
    process.join()
