"""The keys of the screen: one table, from which the bindings, the help and the bottom line are made.

Keys of top(1) and of htop(1); where the two differ, the one that is harmless there.
"""

from __future__ import annotations

from procession.records import record


@record
class Key:
    """``keys``: as Textual names them.  ``shown``: as a person does.  ``act``: what the screen calls."""

    keys: str
    shown: str
    act: str
    about: str
    group: str
    changes: bool = False  # something on the machine: off in read-only mode


KEYS = (
    Key("q,f10", "q F10", "leave", "leave", "pn top"),
    Key("question_mark,h,f1", "? h F1", "help", "this page", "pn top"),
    Key("w", "w", "words", "what the figures of the header mean now", "pn top"),
    Key("tab", "Tab", "next_tab", "processes, pools", "pn top"),
    Key("W", "W", "keep", "keep columns, order, delay for next time", "pn top"),
    Key("d", "d", "delay", "seconds between refreshes", "pn top"),
    Key("Z", "Z", "pause", "hold the screen still, and go on", "pn top"),
    Key("ctrl+z", "Ctrl-Z", "suspend", "to the shell; fg comes back", "pn top"),
    Key("ctrl+l", "Ctrl-L", "now", "refresh now", "pn top"),
    Key("up", "↑ ↓", "up", "one row; PgUp PgDn Home End too", "move"),
    Key("down", "", "down", "", "move"),
    Key("pageup", "", "page_up", "", "move"),
    Key("pagedown", "", "page_down", "", "move"),
    Key("home", "", "first", "", "move"),
    Key("end", "", "last", "", "move"),
    Key("left", "← →", "left", "further along long commands, and back", "move"),
    Key("right", "", "right", "", "move"),
    Key("escape", "Esc", "release", "back to the top; no tags, no filter", "move"),
    Key("slash,f3", "/ F3", "search", "go to the next process with a word", "find"),
    Key("n", "n", "again", "the next one", "find"),
    Key("backslash,f4", "\\ F4", "filter", "only what fits all words (a|b: either)", "find"),
    Key("u", "u", "user", "only those of a user", "find"),
    Key("i", "i", "idle", "with or without those that did nothing", "find"),
    Key("K", "K", "kernel", "with or without kernel threads", "find"),
    Key("H", "H", "threads", "a row for each thread", "find"),
    Key("P", "P", "by_cpu", "by %CPU", "order"),
    Key("M", "M", "by_mem", "by memory", "order"),
    Key("T", "T", "by_time", "by CPU time", "order"),
    Key("N", "N", "by_pid", "by pid", "order"),
    Key("R", "R", "flip", "the other way round", "order"),
    Key("less_than_sign", "< >", "sort_left", "by the next column", "order"),
    Key("greater_than_sign", "", "sort_right", "", "order"),
    Key("f6,o", "o F6", "sort", "choose the column", "order"),
    Key("t,f5", "t F5", "tree", "processes below their parents", "order"),
    Key("minus,plus", "+ -", "fold", "fold what is below a process, or unfold it", "order"),
    Key("c", "c", "whole", "command lines or names", "show"),
    Key("f,f2", "f F2", "columns", "choose the columns", "show"),
    Key("1", "1", "cores", "a bar for each CPU", "show"),
    Key("g", "g", "graph", "graphs of the past", "show"),
    Key("I", "I", "per_core", "%CPU of one core, or of the machine", "show"),
    Key("E", "E", "unit", "memory in KiB, MiB, GiB", "show"),
    Key("enter,e", "Enter e", "details", "everything about a process", "one process"),
    Key("y", "y", "why", "why it is in its state: what pn explain says", "one process"),
    Key("l", "l", "files", "its open files, and who is at the other end", "one process"),
    Key("s", "s", "signals", "its signals", "one process"),
    Key("space", "Space", "tag", "tag it: k and r are for all that are tagged", "one process"),
    Key("U", "U", "untag", "no tags", "one process"),
    Key("k,f9", "k F9", "kill", "send a signal", "one process", changes=True),
    Key("r", "r", "renice", "another nice value", "one process", changes=True),
    Key(
        "f7", "F7 F8", "nicer_less", "nice value one down (needs rights), one up", "one process", changes=True
    ),
    Key("f8", "", "nicer_more", "", "one process", changes=True),
)

BOTTOM = (
    ("F1", "Help", "help"), ("F2", "Columns", "columns"), ("F3", "Search", "search"), ("F4", "Filter", "filter"),
    ("F5", "Tree", "tree"), ("F6", "Sort", "sort"), ("F7", "Nice-", "nicer_less"), ("F8", "Nice+", "nicer_more"),
    ("F9", "Kill", "kill"), ("F10", "Quit", "leave"),
)  # fmt: skip
