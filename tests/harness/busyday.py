"""A busy day of jobs: what each does, what must come of it, and how one sees that it did.

Every job writes a line into one ledger when it begins and one before it ends (O_APPEND, so that whole lines stand
there in the order of time), whatever becomes of the daemon meanwhile.  What each prints is known beforehand, byte by
byte; so are its exit code and how often it runs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

SHORT, LONG, FAILING, DYING, FORKING, LOGGING, RESTARTING, RETRYING = (
    "short", "long", "failing", "dying", "forking", "logging", "restarting", "retrying",
)  # fmt: skip
KINDS = (SHORT,) * 6 + (LONG, LONG, FAILING, FAILING, DYING, FORKING, RESTARTING, RETRYING)
WORD = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"


@dataclass
class Task:
    """``key``: its place in the day.  ``after``, ``after_any``, ``after_failed``: keys.  ``code`` or ``signal`` of its
    last run, ``runs`` in all; ``starts``: False if what it waits for cannot come."""

    key: int
    kind: str
    script: str
    printed: bytes
    code: int | None = 0
    signal: int | None = None
    runs: int = 1
    starts: bool = True
    after: tuple[int, ...] = ()
    after_any: tuple[int, ...] = ()
    after_failed: tuple[int, ...] = ()
    options: dict[str, object] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return self.starts and self.code == 0


def day(count: int, megabytes: int, folder: Path, chance: random.Random) -> list[Task]:
    """``count`` tasks, one of which prints so many MB; they write to ``folder``/ledger."""
    tasks: list[Task] = []
    loud = chance.randrange(count)
    for key in range(count):
        kind = LOGGING if key == loud else chance.choice(KINDS)
        tasks.append(_task(key, kind, megabytes, folder, chance))
        if key and chance.random() < 0.25:
            _wait_for_others(tasks[-1], tasks, chance)
    return tasks


def _wait_for_others(task: Task, tasks: list[Task], chance: random.Random) -> None:
    others = tuple(sorted(chance.sample(range(task.key), min(task.key, chance.choice((1, 1, 2, 3))))))
    which = chance.choice(("after", "after", "after_any", "after_failed"))
    setattr(task, which, others)
    if which == "after":
        task.starts = all(tasks[key].is_well for key in others)
    elif which == "after_failed":
        task.starts = all(not tasks[key].is_well for key in others)
    if not task.starts:
        task.runs, task.code, task.signal, task.printed = 0, None, None, b""


def _task(key: int, kind: str, megabytes: int, folder: Path, chance: random.Random) -> Task:
    ledger, count = f"{folder}/ledger", f"{folder}/count.{key}"
    said = f"{key} {WORD}\n".encode() * chance.randrange(1, 30)
    say = f"i=0; while [ $i -lt {said.count(10)} ]; do echo '{key} {WORD}'; i=$((i+1)); done"
    begin, end = f"echo begin {key} >>{ledger}", f"echo end {key} >>{ledger}"
    if kind == LONG:
        seconds = chance.choice((0.3, 0.8, 1.5))
        return Task(key, kind, f"{begin}; {say}; sleep {seconds}; {say}; {end}", said * 2)
    if kind == FAILING:
        code = chance.randrange(1, 120)
        return Task(key, kind, f"{begin}; {say}; {end}; exit {code}", said, code)
    if kind == DYING:
        signum = chance.choice((6, 9, 15))
        return Task(key, kind, f"{begin}; {say}; {end}; kill -{signum} $$; sleep 60", said, None, signum)
    if kind == FORKING:
        # The group's and the session's children have ended before it: its log is whole when they are.
        child = f"setsid sh -c 'echo child {key}'"
        return Task(
            key,
            kind,
            f"{begin}; {say}; ( {child} ) & wait; sleep 0.1 & wait; {end}",
            said + f"child {key}\n".encode(),
        )
    if kind == LOGGING:
        line = f"{key} {WORD} loud\n".encode()
        lines = megabytes * 1_000_000 // len(line)
        loud = f"yes '{line.decode().strip()}' | head -n {lines}"
        return Task(key, kind, f"{begin}; {loud}; {end}", line * lines)
    if kind in (RESTARTING, RETRYING):
        # Fails until its third run.
        script = f"{begin}; echo x >>{count}; n=$(wc -l <{count}); echo run $n; {end}; [ $n -ge 3 ] || exit 7"
        options: dict[str, object] = (
            {"restart": "on-failure", "restart_delay": 0.05, "jitter": 0.0, "restart_limit": 9}
            if kind == RESTARTING
            else {"retries": 4, "backoff": 0.05}
        )
        return Task(key, kind, script, b"run 3\n", runs=3, options=options)
    return Task(key, SHORT, f"{begin}; {say}; {end}", said)


def faults_of(ledger: str, tasks: list[Task]) -> list[str]:
    """What the ledger tells against the promises: a run too many or too few, a dependency that was not waited for."""
    lines = [line.split() for line in ledger.splitlines()]
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for at, (word, key) in enumerate(lines):
        (begins if word == "begin" else ends).setdefault(int(key), []).append(at)
    wrong = []
    for task in tasks:
        found = len(begins.get(task.key, ()))
        if found != task.runs:
            wrong.append(f"task {task.key} ({task.kind}) began {found} times, not {task.runs}")
        first = begins.get(task.key, [1 << 60])[0]
        others = [key for key in (*task.after, *task.after_any, *task.after_failed) if ends.get(key)]
        wrong += [
            f"task {task.key} ({task.kind}) began before the end of task {other}"
            for other in others
            if task.runs and first < ends[other][-1]
        ]
    return wrong
