"""What is run: sections, and which cases of them the subset takes."""

from __future__ import annotations

from dataclasses import dataclass

METHODS = ("fork", "spawn", "forkserver")
KINDS = ("processes", "threads", "manager", "misc")


@dataclass(frozen=True)
class Section:
    """Cases that share a process: ``method`` is a start method or "main", ``kind`` one of KINDS."""

    method: str
    kind: str

    @property
    def module(self) -> str:
        """The module that holds the cases, below the scratch folder or in the ``test`` package."""
        return f"suite_{self.method}_{self.kind}" if self.method != "main" else MAIN_HANDLING

    @property
    def source(self) -> str:
        """The text of that module; CPython's own files of this purpose are not in every build."""
        which = "exclude_types=True" if self.kind == "misc" else f"only_type={self.kind!r}"
        return (
            "from test._test_multiprocessing import install_tests_in_module_dict\n"
            f"install_tests_in_module_dict(globals(), {self.method!r}, {which})\n"
        )

    @property
    def name(self) -> str:
        return f"{self.method} {self.kind}"


MAIN_HANDLING = "test.test_multiprocessing_main_handling"


def sections(methods: tuple[str, ...]) -> list[Section]:
    """All sections of these methods, the long ones first."""
    found = [Section(method, kind) for kind in KINDS for method in methods]
    return [*found, Section("main", "handling")]


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
    "main:*CmdLineTest.test_basic_script*",
    "main:*CmdLineTest.test_module_in_package",
)
