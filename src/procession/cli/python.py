"""``pn python SCRIPT``: an unchanged program, with ``multiprocessing`` meaning ours.

What it sees is what python shows it: sys.argv, sys.path, ``__main__``, its own traceback, its exit code.
"""

from __future__ import annotations

import os
import sys

from procession.cli.options import Command, Option, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType, TracebackType

COMMAND = Command(
    verb="python",
    usage="pn python [-m MODULE | -c CODE | SCRIPT] [ARGUMENTS...]",
    summary=(
        "Run a Python program in which multiprocessing is ours: children that die with their parent, queues and\n"
        "locks that survive a kill, errors that say why.  The program need not know of it."
    ),
    words="SCRIPT",
    words_help="the program: a file, a folder or zip file with a __main__.py, or - for standard input",
    options=(
        Option(("-m",), "module", "run a module, as python -m does", "MODULE", str),
        Option(("-c",), "code", "run this text, as python -c does", "CODE", str),
    ),
    epilog="""examples:
  pn python train.py --epochs 3  everything after the script is the script's
  pn python -m pytest tests  a module
  python -m procession python train.py  the same, with the python of your choice and its packages

exit codes:
  those of the program; 2 also when there is nothing to run""",
)


def main(argv: list[str]) -> int:
    """Run ``pn python``; returns 0 when the program has ended, or raises its SystemExit."""
    ours = _ours(argv)
    options = parse(COMMAND, argv[:ours])
    rest = argv[ours:]
    if options["module"] is not None:
        return _run_module(options["module"], rest)
    if options["code"] is not None:
        return _run(compile(options["code"], "<string>", "exec"), _fresh_main(None), "", ["-c", *rest])
    if not rest:
        return _refuse("what is to be run is missing: pn python SCRIPT [ARGUMENTS]")
    if rest[0] == "-":
        return _run(compile(sys.stdin.read(), "<stdin>", "exec"), _fresh_main(None), "", rest)
    return _run_path(rest)


def _ours(argv: list[str]) -> int:
    """How many words belong to us: those up to MODULE or CODE, or before SCRIPT."""
    for index, word in enumerate(argv):
        if word in ("-m", "-c"):
            return index + 2
        if word.startswith(("-m", "-c")):
            return index + 1
        if not word.startswith("-") or word == "-":
            return index
        if word == "--":
            return index + 1
    return len(argv)


def _run_path(argv: list[str]) -> int:
    path = os.path.abspath(argv[0])  # as python has it, but for sys.argv
    if os.path.isdir(path) or _is_zip(path):
        return _run_module("__main__", argv[1:], argv[0])
    try:
        from importlib.machinery import SourceFileLoader
        from importlib.util import decode_source

        with open(path, "rb") as file:
            code = compile(decode_source(file.read()), path, "exec")
    except OSError as error:
        return _refuse(f"{argv[0]}: {error.strerror}: name a Python file")
    except (SyntaxError, ValueError) as error:
        _show(error, 1)
        return 1
    module = _fresh_main(path)
    module.__loader__ = SourceFileLoader("__main__", path)
    return _run(code, module, os.path.dirname(os.path.realpath(path)), argv)


def _is_zip(path: str) -> bool:
    if not os.path.isfile(path) or path.endswith(".py"):
        return False
    import zipfile

    return zipfile.is_zipfile(path)


def _run(code: CodeType, module: ModuleType, folder: str, argv: list[str]) -> int:
    """Execute as python would execute its script."""
    _prepare(folder, argv)
    try:
        exec(code, vars(module))
    except SystemExit:
        raise
    except BaseException as error:
        return _show(error, 1)
    return 0


def _run_module(name: str, argv: list[str], path: str | None = None) -> int:
    """Run a module; ``path`` is the folder or zip file whose ``__main__`` it is."""
    import runpy

    _fresh_main(None)
    if path is not None and sys.flags.safe_path:
        sys.path.insert(0, "")  # for the folder or zip file itself, which python takes in even with -P
    _prepare(os.getcwd(), ["-m", *argv]) if path is None else _prepare(None, [path, *argv])
    if path is not None:
        sys.path[0] = os.path.abspath(path)
    try:
        # What python itself calls for -m.  The public run_module takes __main__ away again at its end, when
        # the program's threads and exit handlers may still need it.
        runpy._run_module_as_main(name, alter_argv=path is None)  # type: ignore[attr-defined]  # noqa: SLF001
    except SystemExit as end:
        if isinstance(end.code, str) and end.code.startswith(f"{sys.executable}: "):
            return _refuse(f"{end.code.removeprefix(f'{sys.executable}: ')}: see pn python --help")
        raise
    except BaseException as error:
        return _show(error, 3)
    return 0


def _prepare(folder: str | None, argv: list[str]) -> None:
    sys.argv[:] = argv
    if folder is not None and not sys.flags.safe_path:
        sys.path[0] = folder  # in place of our own program's
    import procession.mp

    procession.mp.install()


def _fresh_main(path: str | None) -> ModuleType:
    """A new ``__main__``, from which a spawned child can find its way back to the file."""
    from types import ModuleType

    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    module.__annotations__ = {}
    if path is None:
        from importlib.machinery import BuiltinImporter

        module.__loader__ = BuiltinImporter
    else:
        module.__file__ = path
        module.__dict__["__cached__"] = None
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    return module


def _show(error: BaseException, frames: int) -> int:
    """Print the traceback as python does, without the first frames, which are ours; returns the exit code."""
    traceback: TracebackType | None = error.__traceback__
    for _ in range(frames):
        traceback = traceback.tb_next if traceback is not None else None
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _refuse(words: str) -> int:
    print(f"pn python: {words}", file=sys.stderr)
    return 2
