"""Small windows over the screen: a line to type, a list to choose from, a page to read."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from procession.tui.binding import bound
from procession.tui.lines import Lines
from procession.tui.pager import Pager
from procession.tui.paint import STYLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events

    from procession.table.meters import Line


class Ask(ModalScreen[str | None]):
    """One line of text at the bottom; Escape: None.  ``changed`` hears each key.

    The keys are taken by the screen itself and in their order.  Textual's own field would lose those that come
    before it has the focus: a fast hand, or a paste.
    """

    def __init__(self, title: str, value: str = "", changed: Callable[[str], None] | None = None) -> None:
        super().__init__(classes="low")
        self._title = title
        self._value = value
        self._changed = changed
        self._over = False

    def compose(self) -> ComposeResult:
        """Two lines."""
        yield Lines(id="ask", ground=STYLES["button"])

    def on_mount(self) -> None:
        """What it is for."""
        self._draw()

    def _draw(self) -> None:
        title: Line = [("label", f" {self._title}"), ("dim", "   Enter: yes   Esc: no")]
        room = max(8, self.app.size.width - 4)
        self.query_one(Lines).show([title, [("chosen", f" {self._value[-room:]}"), ("cursor", " ")]])

    def on_key(self, event: events.Key) -> None:
        """A letter, or one of a few others."""
        event.stop()
        event.prevent_default()
        if self._over:  # keys that were on their way when it was closed are for nobody
            return
        if event.key in ("escape", "enter"):
            self._over = True
            self.dismiss(self._value if event.key == "enter" else None)
        elif event.key in _ERASE:
            self._put(_ERASE[event.key](self._value))
        elif event.is_printable and event.character:
            self._put(self._value + event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Its first line."""
        event.stop()
        self._put(self._value + event.text.partition("\n")[0])

    def _put(self, value: str) -> None:
        self._value = value
        self._draw()
        if self._changed is not None:
            self._changed(value)


_ERASE: dict[str, Callable[[str], str]] = {
    "backspace": lambda text: text[:-1],
    "ctrl+h": lambda text: text[:-1],
    "ctrl+w": lambda text: text.rstrip().rpartition(" ")[0],
    "ctrl+u": lambda _: "",
}


class Choose(ModalScreen[tuple[int, ...] | None]):
    """A list of lines, one of which is chosen with Enter; with ``marked`` any number, with Space.  Escape: None.

    With ``marked``, + and - move a line; the answer is the marked ones in their order.
    """

    BINDINGS: ClassVar = [
        bound("escape,q", "dismiss(None)"),
        bound("enter", "take"),
        bound("up", "step(-1)"),
        bound("down", "step(1)"),
        bound("pageup,home", "step(-1000)"),
        bound("pagedown,end", "step(1000)"),
        bound("space", "mark"),
        bound("plus", "carry(1)"),
        bound("minus", "carry(-1)"),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Line],
        start: int = 0,
        marked: Sequence[int] | None = None,
        warning: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._warning = warning
        self._ready = False
        self._choices = choices
        self._marked = None if marked is None else set(marked)
        # Those that are marked stand first, in their order.
        self._order = [*(marked or ()), *(i for i in range(len(choices)) if i not in set(marked or ()))]
        self._at = self._order.index(start) if start in self._order else 0

    def compose(self) -> ComposeResult:
        """A title and the list."""
        with Vertical(id="choose"):
            yield Lines(id="choose-title")
            yield Pager(id="choose-list")

    def on_mount(self) -> None:
        """Draw it."""
        self._ready = True
        how = "Enter: yes   Esc: no"
        if self._marked is not None:
            how = "Space: mark   + -: move   " + how
        top: list[Line] = [[("head", f" {self._title}")]]
        room = max(20, self.app.size.width - 8)
        top += [[("bad", f" {part}")] for part in textwrap.wrap(self._warning, room)]
        top += [[("dim", f" {how}")], []]
        self.query_one(Lines).show(top)
        lines: list[Line] = [*self._choices, *top]
        widest = max(sum(len(text) for _, text in line) for line in lines)
        box = self.query_one("#choose")
        box.styles.width = min(widest + 10, self.app.size.width - 2)
        box.styles.height = min(len(self._choices) + len(top) + 2, self.app.size.height - 2)
        self._draw()

    def _draw(self) -> None:
        if not self._ready:  # a key that was quicker
            return
        lines: list[Line] = []
        for index in self._order:
            mark = "" if self._marked is None else "[x] " if index in self._marked else "[ ] "
            lines.append([("head" if mark == "[x] " else "dim", f" {mark}"), *self._choices[index]])
        self.query_one(Pager).show(lines, cursor=self._at)

    def action_step(self, by: int) -> None:
        """Another line."""
        self._at = max(0, min(self._at + by, len(self._order) - 1))
        self._draw()

    def action_mark(self) -> None:
        """Or take the mark away."""
        if self._marked is not None and self._order:
            self._marked ^= {self._order[self._at]}
            self._draw()

    def action_carry(self, by: int) -> None:
        """Change places with the next line."""
        other = self._at + by
        if self._marked is not None and 0 <= other < len(self._order):
            order = self._order
            order[self._at], order[other] = order[other], order[self._at]
            self._at = other
            self._draw()

    def action_take(self) -> None:
        """Enter."""
        if self._marked is not None:
            self.dismiss(tuple(index for index in self._order if index in self._marked))
        elif self._order:
            self.dismiss((self._order[self._at],))
        else:
            self.dismiss(None)

    def on_pager_picked(self, event: Pager.Picked) -> None:
        """A click: chosen, or marked."""
        if event.line < len(self._order):
            self._at = event.line
            if self._marked is None:
                self.action_take()
            else:
                self.action_mark()


class Page(ModalScreen[None]):
    """Lines to read; any of the usual keys closes it."""

    BINDINGS: ClassVar = [
        bound("escape,q,enter,f1,question_mark,h,w", "dismiss(None)"),
        bound("up", "scroll(-1)"),
        bound("down", "scroll(1)"),
        bound("pageup", "scroll(-20)"),
        bound("pagedown,space", "scroll(20)"),
        bound("home", "scroll(-100000)"),
        bound("end", "scroll(100000)"),
    ]

    def __init__(self, title: str, make: Callable[[int], list[Line]]) -> None:
        super().__init__(classes="full")
        self._title = title
        self._make = make
        self._ready = False

    def compose(self) -> ComposeResult:
        """A title and the text."""
        yield Lines(id="page-title", ground=STYLES["button"])
        yield Pager(id="page-text")

    def on_mount(self) -> None:
        """The title."""
        self._ready = True
        self.query_one(Lines).show(
            [[("chosen", f" {self._title}"), ("button", "   Esc: back   ↑ ↓ PgUp PgDn")]]
        )

    def on_resize(self, event: events.Resize) -> None:
        """Lines for this width."""
        self.query_one(Pager).show(self._make(event.size.width - 2))

    def action_scroll(self, by: int) -> None:
        """So many lines down."""
        if self._ready:
            self.query_one(Pager).scroll_lines(by)
