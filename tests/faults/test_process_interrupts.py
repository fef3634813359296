"""Ctrl-C: children print nothing, and the parent ends them in order."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.faults.processkit import Program

METHODS = ["fork", "spawn", "forkserver"]

FAMILY = """
    import signal, sys
    from procession.process.context import get_context
    from tests.faults import processkit

    def nested(method):
        get_context(method).Process(target=processkit.stay).start()
        processkit.stay()

    if __name__ == "__main__":
        context = get_context(sys.argv[1])
        for target, args in ((processkit.stay, ()), (nested, (sys.argv[1],)), (processkit.stay, ())):
            context.Process(target=target, args=args).start()
        processkit.told(None)
        for process in context.active_children():
            process.join()
"""


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_on_a_terminal(method: str, tmp_path: Path) -> None:
    """The whole foreground group gets the signal; stderr has the parent's traceback and nothing else."""
    with Program(tmp_path, FAMILY, method, start_new_session=True) as program:
        told = program.pids(5)
        os.killpg(program.process.pid, signal.SIGINT)
        out, err = program.process.communicate(timeout=20)
        assert program.process.returncode == -signal.SIGINT
        assert err.count("Traceback") == 1
        assert err.rstrip().endswith("KeyboardInterrupt")
        assert "Process-" not in err
        assert out == ""
        for pid in told:
            assert program.gone(pid)


@pytest.mark.parametrize("method", METHODS)
def test_only_the_parent_is_interrupted(method: str, tmp_path: Path) -> None:
    """Where the standard library waits for its children for ever."""
    with Program(tmp_path, FAMILY, method) as program:
        told = program.pids(5)
        code, _, err = program.end(signal.SIGINT)
        assert code == -signal.SIGINT
        assert err.count("Traceback") == 1
        for pid in told:
            assert program.gone(pid)


@pytest.mark.parametrize("method", METHODS)
def test_children_are_ended_in_order_and_in_good_order(method: str, tmp_path: Path) -> None:
    """The last one started is asked first; each may clean up."""
    text = """
        import os, signal, sys
        from procession.process.context import get_context
        from tests.faults import processkit
        from tests.harness.staying import stay_for_signals

        def tidy(number, start):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            def clean_up(*_):
                os.write(1, b"cleaned up %d\\n" % number)
                sys.exit(0)
            signal.signal(signal.SIGTERM, clean_up)
            start.send(number)
            stay_for_signals()

        if __name__ == "__main__":
            context = get_context(sys.argv[1])
            for number in range(3):
                mine, theirs = context.Pipe(duplex=False)
                context.Process(target=tidy, args=(number, theirs)).start()
                theirs.close()
                mine.recv()
            processkit.told(None)
            signal.pause()
    """
    with Program(tmp_path, text, method) as program:
        program.pids(1)
        code, out, _ = program.end(signal.SIGINT)
        assert code == -signal.SIGINT
        assert sorted(out.split("\n")) == ["", "cleaned up 0", "cleaned up 1", "cleaned up 2"]


@pytest.mark.parametrize("method", METHODS)
def test_a_parent_that_catches_it_goes_on(method: str, tmp_path: Path) -> None:
    text = """
        import signal, sys
        from procession.process.context import get_context
        from tests.faults import processkit

        if __name__ == "__main__":
            context = get_context(sys.argv[1])
            process = context.Process(target=processkit.stay)
            try:
                process.start()
                processkit.told(None)  # else the interrupt may come in the middle of the start, and undo it
                process.join()
            except KeyboardInterrupt:
                print("caught", process.is_alive(), flush=True)
            process.terminate()
            process.join()
            print(process.exitcode)
    """
    with Program(tmp_path, text, method) as program:
        program.pids(2)
        code, out, err = program.end(signal.SIGINT)
        assert (code, out, err) == (0, "caught True\n-15\n", "")


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_while_children_begin(method: str, tmp_path: Path) -> None:
    """At whatever step of the bootstrap: no traceback of a child, and nobody left (the harness looks)."""
    text = """
        import sys
        from procession.process.context import get_context
        from tests.faults import processkit

        if __name__ == "__main__":
            context = get_context(sys.argv[1])
            processkit.told(None)
            started = [context.Process(target=processkit.told, args=(None,)) for _ in range(4)]
            for process in started:
                process.start()
            processkit.stay()
    """
    with Program(tmp_path, text, method, start_new_session=True) as program:
        program.pids(1)
        program.word()
        os.killpg(program.process.pid, signal.SIGINT)
        _, err = program.process.communicate(timeout=20)
        assert program.process.returncode == -signal.SIGINT
        assert err.count("Traceback") == 1
        assert "Process-" not in err


@pytest.mark.parametrize("method", METHODS)
def test_ignored_interrupts_stay_ignored(method: str, tmp_path: Path) -> None:
    """A background job of a shell, or nohup: neither parent nor children listen to SIGINT."""
    text = """
        import signal, sys
        from procession.process.context import get_context

        def look():
            return signal.getsignal(signal.SIGINT) is signal.SIG_IGN

        if __name__ == "__main__":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            process = get_context(sys.argv[1]).Process(target=look)
            process.start()
            print(process.result())
    """
    with Program(tmp_path, text, method) as program:
        assert program.word() == "True"
        assert program.process.wait(20) == 0
