"""As process 1 of a pid namespace: make hostile trees, let ``pn kill --tree`` end them, and print who is
left.

python tree_scene.py COUNT BATCH [OPTIONS OF pn kill...]: one JSON object.  Whatever happens, the kernel ends all that
is left in the namespace with this process.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

HOSTILE = Path(__file__).with_name("hostile.py")
sys.path.insert(0, str(HOSTILE.parent))

from hostile import KINDS  # type: ignore[import-not-found]  # noqa: E402


def living() -> dict[int, str]:
    """Who lives in the namespace beside process 1 and us."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
                command = Path(f"/proc/{name}/cmdline").read_text()
            except OSError:
                continue
            if stat.rpartition(")")[2].split()[0] not in "ZX":
                found[int(name)] = f"{stat[:60]} {command[-40:]}"
    return found


def start(kind: str) -> subprocess.Popen[bytes]:
    """A tree, all in place; its root."""
    ready, write = os.pipe()
    root = subprocess.Popen([sys.executable, "-I", "-S", HOSTILE, kind, str(write)], pass_fds=(write,))
    os.close(write)
    assert select.select([ready], [], [], 30)[0], f"{kind} did not begin"
    assert os.read(ready, 1) == b".", f"{kind} broke down"
    os.close(ready)
    return root


def work(count: int, batch: int, options: list[str]) -> None:
    kinds = list(KINDS)
    made = 0
    while made < count:
        roots = [start(kinds[(made + at) % len(kinds)]) for at in range(min(batch, count - made))]
        made += len(roots)
        pids = [str(root.pid) for root in roots]
        pn = subprocess.run(
            [sys.executable, "-m", "procession", "kill", "--tree", *options, *pids],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        for root in roots:
            root.wait()
        left = living()
        print(made, file=sys.stderr)
        if left or pn.stderr or pn.returncode:
            break
    print(json.dumps({"made": made, "left": left, "said": pn.stderr, "code": pn.returncode}), flush=True)


def main() -> None:
    """Process 1 collects whoever is orphaned, until its only own child has ended; its end is that of all."""
    worker = os.fork()
    if not worker:
        work(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
        os._exit(0)
    while os.wait()[0] != worker:
        pass


if __name__ == "__main__":
    main()
