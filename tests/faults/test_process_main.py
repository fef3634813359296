"""Main modules of all kinds: guarded or not, with or without a file."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

METHODS = ["fork", "spawn", "forkserver"]
FRESH = ["spawn", "forkserver"]

UNGUARDED = """
    import sys
    from procession.process.context import get_context

    def work():
        print("worked")

    process = get_context(sys.argv[1]).Process(target=work, name="worker")
    process.start()
    process.join()
    print(process.exitcode, process.exit.reason.partition(":")[0])
    try:
        process.result()
    except RuntimeError as error:
        print(type(error).__name__)
"""

MESSAGE = """\
Process worker: RuntimeError: {path} starts a process while it is imported, and every child imports it.
Put what starts processes below  if __name__ == "__main__":  or use the start method fork.
"""


def run(*words: str, text: str | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        input=textwrap.dedent(text) if text is not None else None,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (os.getcwd(), os.environ.get("PYTHONPATH")))),
        },
    )


def script(tmp_path: Path, text: str, name: str = "program.py") -> str:
    path = tmp_path / name
    path.write_text(textwrap.dedent(text))
    return str(path)


@pytest.mark.parametrize("method", FRESH)
def test_an_unguarded_main_gives_one_clear_error(method: str, tmp_path: Path) -> None:
    path = script(tmp_path, UNGUARDED)
    done = run(path, method)
    assert done.stderr == MESSAGE.format(path=path)
    assert done.stdout == "1 raised UnguardedMain\nUnguardedMain\n"
    assert done.returncode == 0


def test_a_fork_needs_no_guard(tmp_path: Path) -> None:
    done = run(script(tmp_path, UNGUARDED), "fork")
    assert (done.stdout, done.stderr) == ("worked\n0 ended normally\n", "")


@pytest.mark.parametrize("method", FRESH)
@pytest.mark.parametrize(
    "rest",
    [
        # It swallows our refusal, and stumbles over the next thing.
        "try:\n    process.start()\nexcept Exception:\n    pass\nprocess.join()",
        # It ends the interpreter while it is imported.
        "process.start()\nprocess.join()\nsys.exit(0)",
        "sys.exit(5) if __name__ != '__main__' else process.start()\nprocess.join()\nprint(process.exitcode)",
    ],
)
def test_unguarded_in_other_ways(method: str, rest: str, tmp_path: Path) -> None:
    head = """
        import sys
        from procession.process.context import get_context
        process = get_context(sys.argv[1]).Process(target=print, args=("worked",), name="worker")
    """
    path = script(tmp_path, textwrap.dedent(head) + rest + "\n")
    done = run(path, method)
    assert done.stderr == MESSAGE.format(path=path)
    assert "worked" not in done.stdout


@pytest.mark.parametrize("method", FRESH)
def test_many_processes_of_an_unguarded_main(method: str, tmp_path: Path) -> None:
    """No fork bomb: as many messages as the parent has started processes."""
    text = """
        import sys
        from procession.process.context import get_context
        started = [get_context(sys.argv[1]).Process(target=print, name="worker") for _ in range(3)]
        for process in started:
            process.start()
        for process in started:
            process.join()
        print([process.exitcode for process in started])
    """
    path = script(tmp_path, text)
    done = run(path, method)
    assert done.stderr == MESSAGE.format(path=path) * 3
    assert done.stdout == "[1, 1, 1]\n"


BY_VALUE = """
import sys
from procession.process.context import get_context

factor = 3

class Number:
    def __init__(self, value): self.value = value

def times(number): return Number(number.value * factor)

context = get_context({method!r})
process = context.Process(target=times, args=(Number(14),))
process.start()
print(process.result().value)
process = context.Process(target=lambda: factor)
process.start()
print(process.result())
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_main_without_a_file(method: str) -> None:
    """Nothing can be imported again, so functions and classes travel by value."""
    text = BY_VALUE.format(method=method)
    for done in (run("-c", text), run("-", text=text), run(text=text)):
        assert (done.stdout, done.stderr) == ("42\n3\n", "")


@pytest.mark.parametrize("method", METHODS)
def test_a_package_that_is_run(method: str, tmp_path: Path) -> None:
    """``python -m package``: its __main__ has no guard by custom."""
    (tmp_path / "package").mkdir()
    script(tmp_path, BY_VALUE.format(method=method), "package/__main__.py")
    done = run("-m", "package", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("42\n3\n", "")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["path", "relative", "module"])
def test_a_guarded_main(method: str, way: str, tmp_path: Path) -> None:
    text = """
        import os, sys
        from procession.process.context import get_context

        class Failure(Exception):
            pass

        def work(number):
            if number < 0:
                raise Failure(number)
            return (number, sys.argv[1:], __name__)

        if __name__ == "__main__":
            os.chdir("/")
            context = get_context(sys.argv[1])
            process = context.Process(target=work, args=(7,))
            process.start()
            print(process.result())
            process = context.Process(target=work, args=(-7,))
            process.start()
            try:
                process.result()
            except Failure as failure:
                print(failure.args)
    """
    path = script(tmp_path, text)
    words = {"path": [path], "relative": ["program.py"], "module": ["-m", "program"]}[way]
    done = run(*words, method, cwd=tmp_path)
    name = "__main__" if method == "fork" else "__mp_main__"
    assert done.stdout == f"(7, ['{method}'], '{name}')\n(-7,)\n"


WITHOUT_A_FOLDER = """
import os, sys
os.mkdir("no")
os.chdir("no")
os.rmdir("../no")
os.execv(sys.executable, [sys.executable, "-c", "import socket"])
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_folder_that_is_gone(method: str, tmp_path: Path) -> None:
    text = """
        import os, sys
        from procession.process.context import get_context

        if __name__ == "__main__":
            os.mkdir("gone")
            os.chdir("gone")
            os.rmdir("../gone")
            process = get_context(sys.argv[1]).Process(target=print, args=("fine",))
            process.start()
            process.join(check=True)
    """
    if method != "fork" and "SystemError" in run("-c", WITHOUT_A_FOLDER, cwd=tmp_path).stderr:
        pytest.skip("this Python cannot even import socket in a folder that is gone (3.13.0)")
    done = run(script(tmp_path, text), method, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("fine\n", "")


@pytest.mark.parametrize("method", FRESH)
def test_a_file_beside_the_program_that_is_named_like_a_module(method: str, tmp_path: Path) -> None:
    script(tmp_path, "raise SystemExit('the wrong one')", "socket.py")
    text = """
        import sys
        here = sys.path.pop(0)
        from procession.process.context import get_context

        if __name__ == "__main__":
            process = get_context(sys.argv[1]).Process(target=print, args=("fine",))
            process.start()
            process.join(check=True)
    """
    done = run(script(tmp_path, text), method, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("fine\n", "")
