"""``pn map``: parse, call, print, exit code."""

from __future__ import annotations

import os
import sys

from procession.cli.map_options import COMMAND
from procession.cli.options import leading, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.cli.map_out import Output
    from procession.commands.inputs import Source
    from procession.commands.joblog import JobLog
    from procession.commands.run import MapRun, Report, Settings
    from procession.commands.templates import Template


class _Refused(Exception):
    """A mistake in the command line."""


def main(argv: list[str]) -> int:
    """Run ``pn map``; returns the exit code."""
    while (fd := os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)) <= 2:
        pass  # a stream that is closed must not become the number of something of ours, and be written to
    os.close(fd)
    ours = leading(COMMAND, argv)
    options = parse(COMMAND, [word for word in argv[:ours] if word != "--"])
    try:
        _check(options)
        template, source = _read(options, argv[ours:])
        settings = _settings(options)
        if options["dry"] and not options["resume"]:
            return _dry_run(template, source, None)
        log = _log(options, template)
    except _Refused as error:
        print(f"pn map: {error}", file=sys.stderr)
        return 2
    if options["dry"]:
        return _dry_run(template, source, log)
    try:
        return _run(options, template, source, settings, log)
    finally:
        if log is not None:
            log.close()


def _check(options: dict[str, Any]) -> None:
    if options["ordered"] and options["unordered"]:
        raise _Refused("--keep-order and --unordered: give one of them")
    if options["resume"] and not options["log"]:
        raise _Refused("--resume needs the log of the run before: --log FILE")
    if options["tag"] and options["json"]:
        raise _Refused("--tag and --json: the object names its input")


def _read(options: dict[str, Any], words: list[str]) -> tuple[Template, Source]:
    from procession.commands.inputs import Source, split_words
    from procession.commands.templates import parse as parse_template

    file = options["file"]
    try:
        command, given = split_words(words, listed=file is not None)
        template = parse_template(command)
    except ValueError as error:
        raise _Refused(str(error)) from None
    fd = 0
    if given is None and file not in (None, "-"):
        try:
            fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _Refused(f"{file}: {error.strerror}") from None
    return template, Source(given, fd, zero=options["null"], per=options["per"] or 1)


def _settings(options: dict[str, Any]) -> Settings:
    from procession.commands.plan import Rules
    from procession.commands.run import Settings

    halt, at_once = options["halt"] or (None, False)
    rules = Rules(options["retries"] or 0, options["backoff"] or 0.0, halt, at_once)
    jobs = options["jobs"] or len(os.sched_getaffinity(0))
    return Settings(jobs, options["timeout"], options["grace"] or 5.0, not options["unordered"], rules)


def _log(options: dict[str, Any], template: Template) -> JobLog | None:
    if not options["log"]:
        return None
    from procession.commands.joblog import JobLog, LogRefused

    try:
        log = JobLog(options["log"], template.source, resume=options["resume"])
    except LogRefused as error:
        raise _Refused(str(error)) from None
    except OSError as error:
        raise _Refused(f"{options['log']}: {error.strerror}") from None
    if log.torn:
        print(
            f"pn map: the last line of {options['log']} was torn and is left out: its input runs again",
            file=sys.stderr,
        )
    return log


def _dry_run(template: Template, source: Source, log: JobLog | None) -> int:
    from procession.cli.map_out import raw

    number = 0
    while not source.over:
        while (inputs := source.take()) is not None:
            number += 1
            if log is None or not log.done_before(inputs):
                raw(1, os.fsencode(template.shown(inputs, number)) + b"\n")
        if source.wanted_fd >= 0:
            source.read()
    if log is not None:
        log.close()
    if source.trouble:
        print(f"pn map: the inputs end early: {source.trouble}", file=sys.stderr)
    return 1 if source.trouble else 0


def _run(
    options: dict[str, Any], template: Template, source: Source, settings: Settings, log: JobLog | None
) -> int:
    from procession.cli.interrupts import Interrupts
    from procession.commands.run import MapRun

    interrupts = Interrupts()
    output = _output(options, template, interrupts.fileno())
    run = MapRun(template, source, settings, output.finished, log=log, quiet_is_done=not options["json"])
    run.watch(interrupts.fileno(), _Stopper(run, interrupts, output).came)
    if output.tick:
        run.show(output.progress, output.tick)
    try:
        report = run.run()
    except BaseException as error:
        output.abandon()
        interrupts.take()
        return _stopped(error, output) or interrupts.exit_code
    finally:
        interrupts.close()
    output.end(report, options["log"])
    return interrupts.exit_code or _code(report)


def _stopped(error: BaseException, output: Output) -> int:
    """All has been ended because of this; the exit code, 0 if it is that of the signal."""
    from procession.cli.map_out import Interrupted, Unwritable
    from procession.commands.run import Aborted

    if isinstance(error, Unwritable):
        output.say(f"pn map: {error}: stopped, and all running commands ended")
        return 1
    if not isinstance(error, Aborted | Interrupted):
        raise error
    output.say("pn map: stopped at once")
    return 0


def _code(report: Report) -> int:
    return 1 if report.failed or report.stopped or report.trouble else 0


class _Stopper:
    """The first Ctrl-C (SIGTERM, SIGHUP) ends all commands, the second one does not even wait for them."""

    def __init__(self, run: MapRun, interrupts: Any, output: Output) -> None:
        self._run = run
        self._interrupts = interrupts
        self._output = output
        self._count = 0

    def came(self) -> None:
        from procession.commands.run import Aborted

        self._count += self._interrupts.take()
        if self._count > 1:
            raise Aborted
        self._output.stopping()
        self._run.stop("interrupt", at_once=True)


def _output(options: dict[str, Any], template: Template, signals: int) -> Output:
    from procession.cli.map_out import JsonOutput, Output

    kind: type[Output] = JsonOutput if options["json"] else Output
    output = kind(template, signals, tag=options["tag"], quiet=options["quiet"])
    quiet = options["quiet"] or options["still"]
    if not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from procession.cli.map_live import Display

        output.show(Display(settles=sys.stdout.isatty()))
    return output
