"""COMMAND with its places for the input: ``{}`` and what is made of it.

::

    {}  photos/a.tar.gz     {.}  photos/a.tar      {#}  the number of the command, from 1
    {/} a.tar.gz            {/.} a.tar             {//} photos

A COMMAND of one word that is more than a program's name is a line for /bin/sh, and each value in it is
quoted; several words are run as they are, with no shell in between.
"""

from __future__ import annotations

import os
import shlex

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLACES = ("{//}", "{/.}", "{/}", "{.}", "{#}", "{}")
SHELL = "/bin/sh"
# In a word of these alone the shell would find nothing to do.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-")


@record
class Template:
    """COMMAND, read.  ``words``: each a sequence of texts and places; ``line``: for the shell, in one word."""

    source: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    line: bool

    def argv(self, inputs: tuple[str, ...], number: int) -> tuple[str, ...]:
        """The command for these inputs, ready to be executed."""
        if self.line:
            return (SHELL, "-c", self._text(inputs, number))
        return tuple(word for pieces in self.words for word in _words(pieces, inputs, number))

    def shown(self, inputs: tuple[str, ...], number: int) -> str:
        """The command as one would type it into a shell."""
        return self._text(inputs, number) if self.line else shlex.join(self.argv(inputs, number))

    def _text(self, inputs: tuple[str, ...], number: int) -> str:
        (pieces,) = self.words
        return "".join(_quoted(piece, inputs, number) if piece in PLACES else piece for piece in pieces)


def parse(words: Sequence[str]) -> Template:
    """Read COMMAND.  Raises ValueError, in words for the user."""
    pieces = [tuple(_pieces(word)) for word in words]
    line = len(words) == 1 and is_line(words[0])
    if line:
        _refuse_quoted_places(words[0])
    if not any(piece in PLACES for word in pieces for piece in word):
        if line:
            pieces[0] = (*pieces[0], " ", "{}")
        else:
            pieces.append(("{}",))
    return Template(tuple(words), tuple(pieces), line)


def is_line(word: str) -> bool:
    """Is there anything in it for a shell to do?"""
    return not _PLAIN.issuperset("".join(piece for piece in _pieces(word) if piece not in PLACES))


def has_place(word: str) -> bool:
    """Does a place for the input stand in this word?"""
    return any(place in word for place in PLACES)


def value(place: str, text: str, number: int) -> str:
    """What stands for an input at this place."""
    if place == "{#}":
        return str(number)
    bare = text.rstrip("/") or text[:1]
    if place == "{.}":
        return os.path.splitext(text)[0]
    if place == "{/}":
        return os.path.basename(bare) or bare
    if place == "{/.}":
        return os.path.splitext(os.path.basename(bare) or bare)[0]
    if place == "{//}":
        return os.path.dirname(bare) or "."
    return text


def _pieces(word: str) -> Iterator[str]:
    """Texts and places in turn; put together again they are the word."""
    begin = at = 0
    while (at := word.find("{", at)) >= 0:
        place = next((place for place in PLACES if word.startswith(place, at)), "")
        if not place:
            at += 1
            continue
        if begin < at:
            yield word[begin:at]
        yield place
        begin = at = at + len(place)
    if begin < len(word) or not word:
        yield word[begin:]


def _words(pieces: tuple[str, ...], inputs: tuple[str, ...], number: int) -> Iterator[str]:
    """A word with a place for the input is there once for each input."""
    several = any(piece in PLACES and piece != "{#}" for piece in pieces)
    for text in inputs if several else inputs[:1]:
        yield "".join(value(piece, text, number) if piece in PLACES else piece for piece in pieces)


def _quoted(place: str, inputs: tuple[str, ...], number: int) -> str:
    if place == "{#}":
        return str(number)
    return " ".join(shlex.quote(value(place, text, number)) for text in inputs)


# -- places where quoting would not hold ---------------------------------------------------------------

# Inside these, a value in quotes would be taken apart by the shell, and what it holds could be run.
_INSIDE = {"'": "quotes", '"': "quotes", "$'": "quotes", "`": "backquotes", "<<": "a here-document"}


def _refuse_quoted_places(line: str) -> None:
    """Follow the line as a shell reads it; refuse a place inside anything but plain words and ``$(...)``."""
    inside = [""]
    depth = [0]
    at = 0
    while at < len(line):
        place = next((place for place in PLACES if line.startswith(place, at)), "")
        if place and place != "{#}" and inside[-1] in _INSIDE:
            raise ValueError(
                f"{place} stands inside {_INSIDE[inside[-1]]}: write it without, its value is quoted already"
            )
        at += len(place) or _step(line, at, inside, depth)


def _step(line: str, at: int, inside: list[str], depth: list[int]) -> int:
    """Take in what stands at ``at``; how many characters that is."""
    here, char, pair = inside[-1], line[at], line[at : at + 2]
    if here == "'":
        if char == "'":
            inside.pop()
        return 1
    if here == "<<":
        return 1
    if char == "\\":
        return 2
    if here == "$'":
        if char == "'":
            inside.pop()
        return 1
    if pair == "$(":
        inside.append("(")
        depth.append(0)
        return 2
    if char == here == '"' or char == here == "`":
        inside.pop()
    elif char in ('"', "`"):
        inside.append(char)
    elif here in ("", "("):
        return _bare_step(char, pair, inside, depth)
    return 1


def _bare_step(char: str, pair: str, inside: list[str], depth: list[int]) -> int:
    if pair in ("$'", "<<"):
        inside.append(pair)
        return 2
    if char == "'":
        inside.append(char)
    elif char == "(":
        depth[-1] += 1
    elif char == ")":
        depth[-1] -= 1
        if depth[-1] < 0 and inside[-1] == "(":
            inside.pop()
            depth.pop()
    return 1
