"""Runs one section on one side: starts cases.py, watches its log, shoots what hangs, goes on after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.sections import EXECUTORS, Section

CASES = Path(__file__).with_name("cases.py")
LOOK = 0.5  # seconds between two looks into the log
MARK = "PN_CONFORMANCE"
OUR_EXECUTOR = "procession.pool.executor:PoolExecutor"


@dataclass
class Result:
    """What became of a case: passed, failed, skipped, hung or died."""

    outcome: str
    words: str = ""
    seconds: float = 0.0
    tries: int = 1


@dataclass
class Run:
    """One section on one side."""

    section: Section
    side: str
    python: Path
    folder: Path
    only: tuple[str, ...]
    quick: bool = False
    hang_limit: float = 60.0  # seconds a case
    results: dict[str, Result] = field(default_factory=dict)

    def __call__(self) -> dict[str, Result]:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.section.method != "main":
            (self.folder / f"{self.section.module}.py").write_text(self.section.source)
        for number in range(400):  # each round but the last loses one case
            if self._round(number):
                break
        return self.results

    def _round(self, number: int) -> bool:
        """Run what has no result yet; True when the end was reached."""
        log = self.folder / f"log-{number}"
        mark = f"{os.getpid()}-{self.folder}-{number}"
        task = {
            "module": self.section.module,
            "method": self.section.method,
            "log": str(log),
            "stacks": str(self.folder / "stacks"),
            "done": list(self.results),
            "only": self.only,
            "quick": self.quick,
            "ours": self.side == "ours",
        }
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        # The path of a unix socket has room for 108 bytes: a short TMPDIR.
        environment |= {MARK: mark, "PYTHONFAULTHANDLER": "1"}
        if self.section.kind == EXECUTORS and task["ours"]:
            environment["PN_CONFORMANCE_EXECUTOR"] = OUR_EXECUTOR
        with (self.folder / "output").open("ab") as output:
            program = subprocess.Popen(
                [self.python, CASES, json.dumps(task)],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            ended = self._watch(program, log)
        kill_marked(mark)
        return ended

    def _watch(self, program: subprocess.Popen[bytes], log: Path) -> bool:
        running, begun, at = "", time.monotonic(), 0
        while True:
            try:
                program.wait(LOOK)
            except subprocess.TimeoutExpired:
                pass
            gone = program.returncode is not None
            for facts in new_lines(log, at):
                at += 1
                if facts["event"] == "end":
                    if not gone:
                        self._let_end(program)
                    return True
                begun = time.monotonic()
                running = facts["case"] if facts["event"] == "start" else ""
                if not running:
                    self.results[facts["case"]] = Result(
                        facts["event"], facts["words"], float(facts["seconds"])
                    )
            if gone:
                if not running:
                    self.results[f"{self.section.method}:{self.section.name}"] = Result(
                        "died", f"the run ended with {program.returncode} between two cases"
                    )
                    return True
                self.results[running] = Result("died", f"the run ended with {program.returncode}")
                return False
            if time.monotonic() - begun > self.hang_limit:
                words = self._shoot(program)
                self.results[running or f"{self.section.method}:{self.section.name}"] = Result(
                    "hung", words, self.hang_limit
                )
                return not running

    def _let_end(self, program: subprocess.Popen[bytes]) -> None:
        try:
            program.wait(20)
        except subprocess.TimeoutExpired:
            words = self._shoot(program)
            self.results[f"{self.section.method}:end of {self.section.name}"] = Result("hung", words, 20)

    def _shoot(self, program: subprocess.Popen[bytes]) -> str:
        """Have the stacks written down, then kill it."""
        stacks = self.folder / "stacks"
        before = stacks.stat().st_size if stacks.exists() else 0
        program.send_signal(signal.SIGUSR1)
        try:
            program.wait(1)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        return stacks.read_text()[before:] if stacks.exists() else ""


def new_lines(log: Path, at: int) -> list[dict[str, str]]:
    """The whole lines of the log from number ``at`` on."""
    if not log.exists():
        return []
    lines = log.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines[at:]]


def kill_marked(mark: str) -> None:
    """Kill what a run left behind; every process of it has the mark in its environment."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue
