"""``pn top``: parse, call, exit code.  The screen is loaded by name: it needs Textual, ``-b`` does not."""

from __future__ import annotations

import os
import sys

from procession.cli.options import Command, Option, parse, positive
from procession.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.table.board.board import View


def _unit(word: str) -> str:
    if len(word) != 1 or word.lower() not in "kmgtpe":
        raise ValueError(word)
    return word.lower()


def _delay(word: str) -> float:
    seconds = float(word.replace(",", "."))
    if not 0 < seconds <= 1e6:
        raise ValueError(word)
    return seconds


def _pids(word: str) -> tuple[int, ...]:
    pids = tuple(int(each) for each in word.split(","))
    if min(pids) < 0:
        raise ValueError(word)
    return tuple(pid or os.getpid() for pid in pids)


# argparse puts a function's name into its message
_unit.__name__, _delay.__name__, _pids.__name__ = "unit (k m g t p e)", "number of seconds", "list of pids"

COMMAND = Command(
    verb="top",
    usage="pn top [OPTIONS] [WORD...]",
    summary="""\
Watch the processes of this machine, live.  On the screen: ? tells every key, w what each figure means,
Enter everything about one process.  With -b: text in the layout of top(1), for scripts and files.""",
    words="WORD",
    words_help="only processes that all words fit: a part of the command or pid, or the user",
    options=(
        Option(("-b", "--batch"), "batch", "write text, in the layout of top(1), instead of a screen"),
        Option(("-n", "--iterations"), "number", "end after so many refreshes", "N", positive),
        Option(("-d", "--delay"), "delay", "seconds between refreshes (default: 3, or as kept)", "S", _delay),
        Option(("-p", "--pid"), "pids", "these processes only: 1,2,3; 0 is pn top itself", "PIDS", _pids),
        Option(("-u", "--filter-only-euser"), "user", "only those of a user, by name or number", "USER", str),
        Option(("-o", "--sort-override"), "sort", "sort by a column; +NAME high to low, -NAME the other way", "NAME", str),
        Option(("-O", "--list-fields"), "fields", "print the names of the columns"),
        Option(("-H", "--threads-show"), "threads", "a row for each thread"),
        Option(("-i", "--idle-toggle"), "busy", "only what has used a CPU since the refresh before"),
        Option(("-c", "--cmdline-toggle"), "whole", "command lines instead of names"),
        Option(("-1", "--single-cpu-toggle"), "cores", "each CPU on a line of its own"),
        Option(("-w", "--width"), "width", "characters of a line of -b (default: as many as there are)", "N", positive),
        Option(("-E", "--scale-summary-mem"), "summary_unit", "memory of the header in k m g t p e", "UNIT", _unit),
        Option(("-e", "--scale-task-mem"), "task_unit", "memory of processes in k m g t p", "UNIT", _unit),
        Option(("-s", "--secure-mode", "--readonly"), "readonly", "no signals, no new priorities"),
    ),
    epilog="""\
examples:
  pn top                       the screen
  pn top postgres              only what has postgres in its command
  pn top -u www-data -c        one user's, with command lines
  pn top -b -n 1 | head -20    one look, as text
  pn top -b -d 5 -p 4711 >log  one process every 5 seconds, until Ctrl-C

The screen needs Textual: pip install 'procession[top]'.

exit codes: 0 done    1 it could not be shown    2 usage    130 interrupted""",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Run ``pn top``; returns the exit code."""
    options = parse(COMMAND, normal(argv))
    if options["fields"]:
        from procession.table.board.columns import COLUMNS

        print("\n".join(f"{column.heading:8} {column.about}" for column in COLUMNS.values()))
        return 0
    if options["batch"]:
        from procession.cli.top_batch import run_batch

        view = asked(_batch_view(), options)
        return _usage(view) if isinstance(view, str) else run_batch(view, options)
    return _screen(options)


def normal(argv: list[str]) -> list[str]:
    """Words as ``parse`` takes them: several -p are one, and a -w without a figure means 512."""
    words: list[str] = []
    pids: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += [word, *rest]
            break
        if word == "-p" and rest:
            pids.append(rest.pop(0))
        elif word.startswith("-p") and word[2:3].isdecimal():
            pids.append(word[2:])
        elif word in ("-w", "--width") and not (rest and rest[0].isdecimal()):
            words += [word, "512"]
        elif word in ("-o", "--sort-override") and rest:
            words.append(f"--sort-override={rest.pop(0)}")
        else:
            words.append(word)
    return ["-p", ",".join(pids), *words] if pids else words


def asked(view: View, options: dict[str, Any]) -> View | str:
    """A view as the options change it, or what is wrong with them."""
    from procession.table.board.columns import find
    from procession.table.users import user_id

    changes: dict[str, Any] = {"filter": " ".join(options["words"])}
    if options["user"] is not None:
        changes["user"] = user_id(options["user"])
        if changes["user"] is None:
            return f"there is no user {options['user']!r}: give a name or a number"
    if options["sort"] is not None:
        name = options["sort"].lstrip("+-")
        column = find(name)
        if column is None:
            return f"there is no column {name!r}: pn top -O lists them"
        changes["sort"] = column.name
        if options["sort"][:1] in "+-":
            changes["flipped"] = (options["sort"][0] == "+") != column.down
    if options["pids"]:
        changes["pids"] = options["pids"]
    if options["threads"]:
        changes["threads"] = True
    if options["busy"]:
        changes["idle"] = False
    style = view.style
    if options["whole"]:
        style = replace(style, whole=True)
    if options["task_unit"]:
        style = replace(style, unit=options["task_unit"])
    return replace(view, style=style, **changes)


def _batch_view() -> View:
    from procession.table.board.board import View
    from procession.table.board.columns import Style
    from procession.table.board.frame import pid_width

    return View(style=Style(pid=pid_width()))


def _usage(words: str) -> int:
    print(f"pn top: {words}", file=sys.stderr)
    return 2


def _screen(options: dict[str, Any]) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _usage("the screen needs a terminal: pn top -b writes text")
    import importlib
    import importlib.util

    if importlib.util.find_spec("textual") is None:
        print(
            "pn top: the screen needs Textual, which is not installed: pip install 'procession[top]', or pn top -b",
            file=sys.stderr,
        )
        return 1
    from procession.cli.job_roles import hand_in
    from procession.table.keeping import load

    hand_in()
    kept = load()
    view = asked(kept.view, options)
    if isinstance(view, str):
        return _usage(view)
    run: Any = importlib.import_module("procession.tui.run")
    code: int = run.run(
        view=view,
        kept=kept,
        delay=options["delay"] or kept.delay,
        number=options["number"],
        cores=options["cores"] or kept.cores,
        readonly=options["readonly"],
    )
    return code
