"""``pn pgrep``: the pids of processes by name and other criteria, as pgrep(1) prints them."""

from __future__ import annotations

import sys

from procession.cli.criteria import OPTIONS, Wrong, criteria_of, find, too_long
from procession.cli.options import Command, Option, parse
from procession.table.match import command_of, matched_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.table.record import ProcessRecord

COMMAND = Command(
    verb="pgrep",
    usage="pn pgrep [OPTIONS] [PATTERN]",
    summary="Print the pids of processes whose name fits PATTERN, an extended regular expression, and that fulfil all criteria.",
    words="PATTERN",
    words_help="a part of the name; with -f, of the command line",
    options=(
        *OPTIONS,
        Option(("-v", "--inverse"), "inverse", "all others"),
        Option(("-w", "--lightweight"), "threads", "threads too, by their ids"),
        Option(("-l", "--list-name"), "names", "with the name"),
        Option(("-a", "--list-full"), "commands", "with the command line"),
        Option(("-c", "--count"), "count", "only how many"),
        Option(("-d", "--delimiter"), "between", "between pids (default: a newline)", "TEXT", str),
        Option(("--json",), "json", "one JSON object a line"),
    ),
    epilog="""\
-s SID and -L, as pgrep has them, are --session and --logpidfile too.

examples:
  pn pgrep ssh                     names with ssh in them
  pn pgrep -x sshd -u root         exactly sshd, and root's
  pn pgrep -af 'python .*train'    by command line, which is shown
  pn pgrep -n -u $USER             what you started last
  pn pgrep -P $$ -r T              stopped children of this shell

exit codes:
  0 found    1 none    2 usage    3 something else""",
)


def main(argv: list[str]) -> int:
    """Run ``pn pgrep``; returns the exit code."""
    values = parse(COMMAND, pgrep_words(argv))
    try:
        return _run(values)
    except Wrong as error:
        print(f"pn pgrep: {error}: see pn pgrep --help", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"pn pgrep: {error}", file=sys.stderr)
        return 3


def pgrep_words(argv: list[str]) -> list[str]:
    """With pgrep's own short options for what other verbs of ours call by their long names only."""
    short = {"-s": "--session", "-L": "--logpidfile"}
    end = argv.index("--") if "--" in argv else len(argv)
    return [short.get(word, word) for word in argv[:end]] + argv[end:]


def _run(values: dict[str, Any]) -> int:
    patterns = tuple(values["words"])
    if len(patterns) > 1:
        raise Wrong("only one pattern can be given: a|b fits both, in quotes")
    criteria = criteria_of(values, patterns)
    if criteria.is_empty:
        raise Wrong("no criteria: give a pattern, or an option such as -u USER")
    if warning := too_long(criteria):
        print(f"pn pgrep: {warning}", file=sys.stderr)
    found = find(criteria, threads=values["threads"])
    if values["count"]:
        print(len(found))
    elif values["json"]:
        _print_json(found)
    elif found:
        between = "\n" if values["between"] is None else values["between"]
        print(between.join(_line(each, values) for each in found))
    return 0 if found else 1


def _line(one: ProcessRecord, values: dict[str, Any]) -> str:
    if values["commands"]:
        return f"{one.tid} {command_of(one)}"
    return f"{one.tid} {matched_text(one, full=False)}" if values["names"] else str(one.tid)


def _print_json(found: list[ProcessRecord]) -> None:
    import json

    for one in found:
        print(
            json.dumps(
                {
                    "pid": one.pid,
                    "tid": one.tid,
                    "name": one.comm,
                    "arguments": one.arguments,
                    "state": one.state,
                }
            )
        )
