"""``pn send``: type into a job."""

from __future__ import annotations

import os
import sys

from procession.cli.job_talk import JOB_CODES, JOBS_HELP, numbers, talk
from procession.cli.options import Command, Option, leading, parse
from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.client import Client

COMMAND = Command(
    verb="send",
    usage="pn send [OPTIONS] JOB [TEXT...]",
    summary="""\
Type a text into the terminal of a job, and Enter behind it; without TEXT what stands on standard input, as it is.""",
    words="JOB [TEXT...]",
    words_help=JOBS_HELP,
    options=(
        Option(("-n", "--no-enter"), "bare", "without Enter"),
        Option(("-e", "--escapes"), "escapes", "in TEXT \\\\x03 is Ctrl-C, \\\\x04 Ctrl-D, \\\\e Escape, \\\\n Enter, \\\\t Tab"),
    ),
    epilog=f"""\
examples:
  pn send 3 yes                  the answer to a question
  pn send %python 'print(1+1)'
  pn send -ne 3 '\\x04'           end of file
  pn send 3 <script.sql

A job without a terminal (pn run --no-pty) reads nothing.
{JOB_CODES}""",
)  # fmt: skip

_ESCAPES = {"\\": "\\", "n": "\r", "r": "\r", "t": "\t", "e": "\x1b", "a": "\x07", "b": "\x08"}


def main(argv: list[str]) -> int:
    """Run ``pn send``; returns the exit code."""
    ours = leading(COMMAND, argv)
    values = parse(COMMAND, [word for word in argv[:ours] if word != "--"])
    if ours >= len(argv):
        say("send", "no job is named: pn send JOB TEXT: see pn send --help")
        return 2
    job, *words = argv[ours:]
    try:
        text = _text(words, escapes=values["escapes"], enter=not values["bare"])
    except ValueError as error:
        say("send", f"{error}: \\\\ is a \\")
        return 2
    return talk("send", lambda client: _send(client, job, text))


def _text(words: list[str], *, escapes: bool, enter: bool) -> str:
    if not words:
        return os.fsdecode(sys.stdin.buffer.read())
    text = " ".join(words)
    # Enter is a carriage return: what the key sends, and the line discipline makes a newline of (termios(3), ICRNL).
    return (unescaped(text) if escapes else text) + ("\r" if enter else "")


def unescaped(text: str) -> str:
    """Escapes for the keys that they mean.  Raises ValueError."""
    found, rest = [], iter(text)
    for character in rest:
        if character != "\\":
            found.append(character)
            continue
        letter = next(rest, "")
        if letter == "x":
            digits = next(rest, "") + next(rest, "")
            if len(digits) < 2:
                raise ValueError("\\x wants two digits")
            found.append(os.fsdecode(bytes([int(digits, 16)])))
        elif letter in _ESCAPES and letter:
            found.append(_ESCAPES[letter])
        else:
            raise ValueError(f"\\{letter} is no escape")
    return "".join(found)


def _send(client: Client, word: str, text: str) -> int:
    (number,) = numbers(client, [word])
    client.request("type", job=number, text=text)
    return 0
