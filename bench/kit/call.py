"""The other side of ``bench.kit.apart``: ``python -m bench.kit.call QUESTIONS ANSWERS`` (two descriptors).

It imports next to nothing, because workers that are started by spawn import it again as their main module.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback

from bench.kit.stuck import Stuck


def main(questions: int, answers: int) -> None:
    """Answer ``(function, arguments)`` with ``(True, value)`` or ``(False, what went wrong)`` until the end."""
    for fd in (questions, answers):
        os.set_inheritable(fd, False)
    with open(questions, "rb") as asked, open(answers, "wb") as said:
        while True:
            try:
                function, arguments = pickle.load(asked)
            except EOFError:
                return
            try:
                answer = (True, function(*arguments))
            except Stuck as reason:
                answer = (False, str(reason))
            except Exception as error:
                traceback.print_exc()
                answer = (False, f"{type(error).__name__}: {error}")
            pickle.dump(answer, said)
            said.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
