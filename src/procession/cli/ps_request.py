"""What a command line of ``pn ps`` asks for, before it is known which columns that makes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    FormatKind = Literal["-o", "o", "-O", "O", "sort"]


class Improper(Exception):
    """The command line says nothing that can be done; its text is the reason."""

    def __init__(self, reason: str, advice: str = "see pn ps --help") -> None:
        super().__init__(reason)
        self.advice = advice


class Request:
    """Filled in by the readers of options (``ps_unix.py``, ``ps_bsd.py``, ``ps_long.py``), word by word."""

    def __init__(self) -> None:
        self.everything = False
        self.simple: set[str] = set()  # "-a", "-d", "a", "g", "x"
        self.lists: list[tuple[str, list[int] | list[bytes]]] = []  # field and values, as in table/select.py
        self.quick: list[int] | None = None
        self.running = False
        self.negated = False
        self.words: list[str] = []  # free ones

        self.formats: set[str] = set()  # "-f", "-l", "j", "l", "s", "u", "v", "X", "--context"
        self.modifiers: set[str] = set()  # "-F", "-M", "-P", "-c", "-j", "-y"
        self.own: list[tuple[FormatKind, str]] = []  # -o and the like, and sort keys, in their order
        self.threads: set[str] = set()  # "-L", "-T", "-m", "m", "H"
        self.tree = ""  # "drawn" or "indented"
        self.bsd = False  # were there options without a dash?

        self.header = ""  # "none", "repeated"
        self.columns: int | None = None  # of the screen
        self.rows: int | None = None
        self.wide = 0
        self.true_name = False
        self.environment = False
        self.with_children = False
        self.numeric = False
        self.full = False
        self.date_format = ""

        self.human = False
        self.json = False
        self.watch: float | None = None
        self.only = ""  # "help", "version", "fields": print that and nothing else

    def set_header(self, kind: str) -> None:
        """Raises Improper for the second time."""
        if self.header:
            raise Improper("only one option about headings may be given")
        self.header = kind
