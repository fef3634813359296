"""The command line of ``pn ps``: three grammars in one, as ps has them.

::

    -ef  -p 1,2      Unix: one dash; may stand together; a list is the rest of the word, or the next word
    aux  p 1,2       BSD: no dash; the same
    --sort -rss      GNU: two dashes; a value after "=", ":" or in the next word
    1 2 -3 +4        pids, process groups, sessions

What cannot be read so, and has no options without a dash, is read once more with single dashes taken for those of
BSD: ``ps -aux`` is no user "x".
What cannot be read then either may hold free words.
"""

from __future__ import annotations

from procession.cli import ps_lists as lists
from procession.cli.ps_request import Improper, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_BSD_LETTERS = frozenset("aceflmnrsuvwxjghSTXZHM")


class Reader:
    """Goes through the words; the readers of single options take values from it."""

    def __init__(self, words: list[str], dashes_are_bsd: bool = False, free_words: bool = False) -> None:
        self.request: Request = Request()
        self._words = words
        self._at = -1
        self._word = ""  # the one being read, and where
        self._letter = 0
        self._dashes_are_bsd = dashes_are_bsd
        self._free_words = free_words

    def read(self) -> Request:
        """Raises Improper."""
        while self._at + 1 < len(self._words):
            self._at += 1
            self._word = self._words[self._at]
            self._one()
        return self.request

    def _one(self) -> None:
        word = self._word
        first, second = word[:1], word[1:2]
        if word == "--" and self._free_words:
            self.request.words += self._words[self._at + 1 :]
            self._at = len(self._words)
        elif first == "-" and second == "-" and word[2:3].isalpha() and word.isascii():
            from procession.cli.ps_long import read_long

            read_long(self, word)
        elif first == "-" and second.isalpha():
            self._letters(unix=not self._dashes_are_bsd)
        elif self._is_free(word):
            self.request.words.append(word)
        elif first.isalpha() and not self._dashes_are_bsd:
            self._letters(unix=False)
        elif first.isdecimal() or (first == "-" and second.isdecimal()) or first == "+":
            self.request.bsd = True
            self._trailing_pids()
        else:
            raise Improper(f"{word!r} is not an option")

    def _is_free(self, word: str) -> bool:
        if not self._free_words or word.startswith("-"):
            return False
        return not _BSD_LETTERS.issuperset(word) or (self._at > 0 and len(word) > 1)

    def _letters(self, unix: bool) -> None:
        if not self._word.isascii():
            raise Improper(f"{self._word!r} is not an option")
        if unix:
            from procession.cli.ps_unix import read_letter
        else:
            from procession.cli.ps_bsd import read_letter

            self.request.bsd = True
        self._letter = 1 if self._word[0] == "-" else 0
        while self._letter < len(self._word):
            letter = self._word[self._letter]
            read_letter(self, letter)
            self._letter += 1

    def value(self, what: str) -> str:
        """The rest of this word, else the next one.  Raises Improper."""
        found = self.value_or_none()
        if found is None:
            raise Improper(f"{what} must follow {self._word}")
        return found

    def value_or_none(self) -> str | None:
        """The same where it may be missing."""
        rest = self._word[self._letter + 1 :]
        if not rest:
            if self._at + 1 >= len(self._words) or not self._words[self._at + 1]:
                return None
            self._at += 1
            rest = self._words[self._at]
        self._letter = len(self._word)
        return rest

    def rest_from_here(self) -> str:
        """This letter and all that follow it in the word."""
        found = self._word[self._letter :]
        self._letter = len(self._word)
        return found

    def next_word(self) -> str | None:
        """For the value of a long option."""
        if self._at + 1 >= len(self._words) or not self._words[self._at + 1]:
            return None
        self._at += 1
        return self._words[self._at]

    def is_alone(self, word: str) -> bool:
        """Is this the whole command line?"""
        return self._words == [word]

    def select(self, field: str, values: list[int] | list[bytes]) -> None:
        """One more list of processes."""
        self.request.lists.append((field, values))

    def _trailing_pids(self) -> None:
        found: dict[str, list[int]] = {"pid": [], "pgrp": [], "session": []}
        for word in self._words[self._at :]:
            field = {"-": "pgrp", "+": "session"}.get(word[:1], "pid")
            found[field].append(lists.pid(word[1:] if field != "pid" else word))
        self._at = len(self._words)
        for field, values in found.items():
            if values:
                self.select(field, values)


def read(words: list[str], columns: Callable[[Request], T]) -> tuple[Request, T]:
    """The request, and its columns, which may show that it was meant differently.

    Raises Improper with the reason why the first way to read it failed.
    """
    reason: Improper | None = None
    for dashes_are_bsd, free_words in ((False, False), (True, False), (False, True)):
        try:
            request = Reader(words, dashes_are_bsd, free_words).read()
            if dashes_are_bsd:
                request.bsd = True
            _check(request)
            return request, columns(request)
        except Improper as error:
            reason = reason or error
    assert reason is not None
    raise reason


def _check(request: Request) -> None:
    threads = request.threads
    if threads and request.tree:
        raise Improper("threads cannot be shown in a tree")
    if "H" in threads and threads & {"m", "-m"}:
        raise Improper("H cannot be used with m or -m")
    if {"m", "-m"} <= threads:
        raise Improper("m and -m cannot be used together")
    if {"-L", "-T"} <= threads:
        raise Improper("-L and -T cannot be used together")
    if request.quick is not None and (request.lists or request.negated or request.tree):
        raise Improper("-q cannot be combined with other ways to select, nor with a tree")
    if request.quick is not None and any(kind == "sort" for kind, _ in request.own):
        raise Improper("-q keeps the order that it is given: it cannot be sorted")
