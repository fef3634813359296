"""Acts on the process under the cursor, or on all that are tagged."""

from __future__ import annotations

from procession.table.board.board import key_of
from procession.table.board.control import deliver, set_nice, signals, warning
from procession.table.priority import Nice
from procession.table.sending import Delivery
from procession.tui.details import Details
from procession.tui.dialogs import Ask, Choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.app import App

    from procession.table.board.frame import Frame
    from procession.table.meters import Line
    from procession.table.record import ProcessRecord
    from procession.tui.listing import ProcessList


class ProcessActs:
    """A part of ``screen.TopScreen``."""

    if TYPE_CHECKING:
        app: App[None]
        frame: Frame | None

        @property
        def rows(self) -> ProcessList: ...

        readonly: bool

        def draw(self) -> None: ...
        def renew(self) -> None: ...
        def tell(self, words: str, style: str = "head") -> None: ...

    def action_tag(self) -> None:
        """It, and go on."""
        self.rows.toggle_tag()
        self.rows.move(1)
        self.draw()

    def action_untag(self) -> None:
        """All."""
        self.rows.tags.clear()
        self.draw()

    def _meant(self) -> list[ProcessRecord]:
        listing = self.rows.listing
        tagged = [one for one in listing.records if key_of(one) in self.rows.tags]
        if tagged or self.rows.chosen is None:
            return tagged
        return [self.rows.chosen]

    def _refused(self) -> bool:
        if self.readonly:
            self.tell("read-only: no signals, no new priorities", "warn")
        return self.readonly

    def action_kill(self) -> None:
        """Which signal?  From here on the processes are held: it goes to them, or to nobody."""
        targets = self._meant()
        if not targets or self._refused() or self.frame is None:
            return
        choices = signals()
        lines: list[Line] = [
            [("", f"{number:2d} {name:6}"), ("dim", f" {about}")] for number, name, about in choices
        ]
        delivery = Delivery(targets)

        def end(chosen: tuple[int, ...] | None) -> None:
            with delivery:
                if chosen is not None:
                    self._done(deliver(delivery, choices[chosen[0]][0]))

        words = warning(targets, self.frame)
        self.app.push_screen(Choose(f"Send to {_named(targets)}", lines, warning=words), end)

    def action_renice(self) -> None:
        """Which nice value?"""
        targets = self._meant()
        if not targets or self._refused():
            return

        def end(words: str | None) -> None:
            if words is None:
                return
            try:
                nice = Nice(int(words))
            except ValueError:
                self.tell(f"not a nice value: {words!r}: a number from -20 to 19", "bad")
                return
            self._nice(targets, nice)

        self.app.push_screen(Ask(f"Nice value (-20 to 19) of {_named(targets)}", str(targets[0].nice)), end)

    def action_nicer_less(self) -> None:
        """One down: it gets more."""
        self._step(-1)

    def action_nicer_more(self) -> None:
        """One up: it gets less."""
        self._step(1)

    def _step(self, by: int) -> None:
        targets = self._meant()
        if targets and not self._refused():
            self._nice(targets, Nice(by, relative=True))

    def _nice(self, targets: list[ProcessRecord], nice: Nice) -> None:
        if self.frame is not None:
            self._done(set_nice(targets, nice, self.frame.snapshot.source))

    def _done(self, outcome: tuple[bool, str]) -> None:
        well, words = outcome
        self.renew()
        self.tell(words, "good" if well else "bad")

    # ── details ───────────────────────────────────────────────────────────────────────────────────

    def action_details(self) -> None:
        """Everything about it."""
        self._open("overview")

    def action_why(self) -> None:
        """Its explanation."""
        self._open("why")

    def action_files(self) -> None:
        """Its open files."""
        self._open("files")

    def action_signals(self) -> None:
        """Its signal masks."""
        self._open("signals")

    def _open(self, section: str) -> None:
        if self.rows.chosen is not None and self.frame is not None:
            self.app.push_screen(Details(self.rows.chosen, self.frame, section))


def _named(targets: list[ProcessRecord]) -> str:
    from procession.table.board.columns import shown_command

    if len(targets) == 1:
        return f"{targets[0].pid} {shown_command(targets[0], whole=False)}"
    return f"{len(targets)} tagged processes"
