"""What is run: sections, and which cases of them the subset takes."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("fork", "spawn", "forkserver")
KINDS = ("processes", "threads", "manager", "misc")
EXECUTORS = "executors"  # the kind whose cases are those of concurrent.futures about processes
MAIN_HANDLING = "test.test_multiprocessing_main_handling"
FUTURES = "test.test_concurrent_futures"


@dataclass(frozen=True)
class Section:
    """Cases that share a process: ``method`` is a start method or "main", ``kind`` one of KINDS or EXECUTORS."""

    method: str
    kind: str

    @property
    def module(self) -> str:
        """The module that holds the cases, below the scratch folder or in the ``test`` package."""
        return f"suite_{self.method}_{self.kind}" if self.method != "main" else MAIN_HANDLING

    @property
    def source(self) -> str:
        """The text of that module; CPython's own files of this purpose are not in every build."""
        if self.kind == EXECUTORS:
            return EXECUTORS_SOURCE.format(tests=FUTURES, prefix=f"ProcessPool{self.method.capitalize()}")
        which = "exclude_types=True" if self.kind == "misc" else f"only_type={self.kind!r}"
        return (
            "from test._test_multiprocessing import install_tests_in_module_dict\n"
            f"install_tests_in_module_dict(globals(), {self.method!r}, {which})\n"
        )

    @property
    def name(self) -> str:
        return f"{self.method} {self.kind}"


# A package of many modules since Python 3.12.  Each class says its start method in its name.
EXECUTORS_SOURCE = """\
import importlib, pkgutil, re
import {tests} as tests

found = pkgutil.iter_modules(getattr(tests, "__path__", ()))
names = [module.name for module in found if module.name.startswith("test_")]
for module in [tests] + [importlib.import_module("{tests}." + name) for name in names]:
    for name, value in list(vars(module).items()):
        if re.match("{prefix}(?!server).*Test$", name):
            globals()[name] = value
"""


def sections(methods: tuple[str, ...], *, executors: bool = True, rest: bool = True) -> list[Section]:
    """All sections of these methods, the long ones first; ``rest``: those that are not about executors."""
    found = [Section(method, EXECUTORS) for method in methods] if executors else []
    if rest:
        found = [Section(method, kind) for kind in KINDS for method in methods] + found
        found.append(Section("main", "handling"))
    return found


# Each part and each method, but few of the cases that wait for seconds.  Patterns of method:Class.test.
SUBSET = (
    "*:WithProcessesTestProcess.*",
    "*:WithProcessesTestSubclassingProcess.*",
    "*:WithProcessesTestQueue.*",
    "*:WithProcessesTestLock.*",
    "*:WithProcessesTestSemaphore.*",
    "fork:WithProcessesTestCondition.*",
    "*:WithProcessesTestEvent.*",
    "fork:WithProcessesTestBarrier.*",
    "*:WithProcessesTestValue.*",
    "*:WithProcessesTestArray.*",
    "*:WithProcessesTestConnection.*",
    "*:WithProcessesTestListener*",
    "*:WithProcessesTestPicklingConnections.*",
    "*:WithProcessesTestSharedCTypes.*",
    "fork:WithProcessesTestSharedMemory.*",
    "fork:WithProcessesTestPool.*",
    "*:WithProcessesTestPoolWorkerErrors.*",
    "fork:WithManagerTestQueue.*",
    "*:WithManagerTestContainers.*",
    "*:WithManagerTestMyManager.*",
    "*:WithManagerTestRemoteManager.*",
    "forkserver:WithManagerTestLock.*",
    "forkserver:WithManagerTestEvent.*",
    "fork:WithThreads*Queue*",
    "*:_TestImportStar.*",
    "*:TestSimpleQueue.*",
    "fork:TestWait.*",
    "*:TestStartMethod.*",
    "*:TestFlags.*",
    "*:TestCloseFds.*",
    "fork:TestSyncManagerTypes.*",
    "*:MiscTestCase.*",
    "*:ProcessPool*ExecutorDeadlockTest.test_[ce]*",
    "*:ProcessPool*InitializerTest.*",
    "fork:ProcessPool*PoolExecutorTest.*",
    "forkserver:ProcessPool*PoolExecutorTest.test_max_*",
    "fork:ProcessPool*ShutdownTest.*",
    "main:*CmdLineTest.test_basic_script*",
    "main:*CmdLineTest.test_module_in_package",
)
