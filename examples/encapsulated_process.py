"""The encapsulated process: a class that is a process, with what it needs and what it gives inside."""

from procession import Process, Queue


class Summer(Process):
    """Adds up the numbers that it is given, and has the sum in the end."""

    def __init__(self) -> None:
        super().__init__(name="summer")
        self._numbers = Queue()
        self._result = Queue()

    # -- called by the parent ----------------------------------------------------------------------

    def add(self, number: int) -> None:
        """One more."""
        self._numbers.put(number)

    def total(self) -> int:
        """No more; waits for the sum."""
        self._numbers.put(None)
        total = self._result.get()
        self.join()
        return total

    # -- happens in the child ----------------------------------------------------------------------

    def run(self) -> None:
        """What start() starts.  Attributes set here stay in the child, like everything that is no queue."""
        self.sum = 0
        while (number := self._numbers.get()) is not None:
            self.sum += number
        self._result.put(self.sum)


if __name__ == "__main__":
    summer = Summer()
    summer.start()
    for number in range(1, 101):
        summer.add(number)
    print(f"1 + 2 + ... + 100 = {summer.total()}")
    print(f"{summer.name} ended with exit code {summer.exitcode}; self.sum here: {hasattr(summer, 'sum')}")
