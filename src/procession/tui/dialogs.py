"""Small windows over the screen: a line to type, a list to choose from, a page to read."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from procession.tui.lines import Lines
from procession.tui.pager import Pager
from procession.tui.paint import STYLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events

    from procession.table.meters import Line


class Ask(ModalScreen[str | None]):
    """One line of text at the bottom; Escape: None.  ``changed`` hears each key."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss(None)", show=False)]

    def __init__(self, title: str, value: str = "", changed: Callable[[str], None] | None = None) -> None:
        super().__init__(classes="low")
        self._title = title
        self._value = value
        self._changed = changed

    def compose(self) -> ComposeResult:
        """A title and a field."""
        with Vertical(id="ask"):
            yield Lines(id="ask-title")
            field = Input(self._value, id="ask-field", select_on_focus=False)
            field.cursor_blink = False
            yield field

    def on_mount(self) -> None:
        """What it is for."""
        self.query_one(Lines).show([[("label", f" {self._title}"), ("dim", "   Enter: yes   Esc: no")]])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Each key."""
        if self._changed is not None:
            self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value)


class Choose(ModalScreen[tuple[int, ...] | None]):
    """A list of lines, one of which is chosen with Enter; with ``marked`` any number, with Space.  Escape: None.

    With ``marked``, + and - move a line; the answer is the marked ones in their order.
    """

    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", show=False),
        Binding("enter", "take", show=False),
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("pageup,home", "step(-1000)", show=False),
        Binding("pagedown,end", "step(1000)", show=False),
        Binding("space", "mark", show=False),
        Binding("plus", "carry(1)", show=False),
        Binding("minus", "carry(-1)", show=False),
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
        how = "Enter: yes   Esc: no"
        if self._marked is not None:
            how = "Space: mark   + -: move   " + how
        top: list[Line] = [[("head", f" {self._title}")]]
        room = self.app.size.width - 8
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
        Binding("escape,q,enter,f1,question_mark,h,w", "dismiss(None)", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll(-20)", show=False),
        Binding("pagedown,space", "scroll(20)", show=False),
        Binding("home", "scroll(-100000)", show=False),
        Binding("end", "scroll(100000)", show=False),
    ]

    def __init__(self, title: str, make: Callable[[int], list[Line]]) -> None:
        super().__init__(classes="full")
        self._title = title
        self._make = make

    def compose(self) -> ComposeResult:
        """A title and the text."""
        yield Lines(id="page-title", ground=STYLES["button"])
        yield Pager(id="page-text")

    def on_mount(self) -> None:
        """The title."""
        self.query_one(Lines).show(
            [[("chosen", f" {self._title}"), ("button", "   Esc: back   ↑ ↓ PgUp PgDn")]]
        )

    def on_resize(self, event: events.Resize) -> None:
        """Lines for this width."""
        self.query_one(Pager).show(self._make(event.size.width - 2))

    def action_scroll(self, by: int) -> None:
        """So many lines down."""
        self.query_one(Pager).scroll_lines(by)
