"""State D: asleep in the kernel, deaf to signals, for a device, a server, a frozen file system, a vfork."""

from __future__ import annotations

from procession.table.explain.asleep import in_turn, phrase
from procession.table.explain.finding import NOTE, WRONG, Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts

# Kernel functions by their beginnings, and what sleeping below them means.
_SIGNS = (
    (("fuse_", "request_wait_answer"), "the program behind a FUSE file system does not answer"),
    (("nfs_", "nfs3_", "nfs4_", "rpc_"), "an NFS server does not answer"),
    (("cifs_", "smb2_"), "an SMB server does not answer"),
    (
        ("percpu_rwsem_wait", "sb_start_", "__sb_start_", "percpu_down_read", "__percpu_down_read"),
        "the file system is frozen (fsfreeze, a snapshot being taken)",
    ),
    (("io_schedule", "folio_wait", "wait_on_page", "blk_", "submit_bio_wait"), "a disk has not answered yet"),
    (("do_swap_page", "swap_read"), "memory is being read back from swap"),
    (("jbd2_", "wait_transaction"), "the journal of the file system is being written"),
)


def explain(facts: Facts) -> Finding | None:
    """The kernel function, the call, the file system and the device."""
    if facts.me.state != "D" or facts.frozen:
        return None
    wait = facts.wait
    is_vfork = wait is not None and wait.kind == "vfork"
    said = f": {phrase(wait, facts)}" if wait is not None else ""
    sign = _sign(facts)
    why = [*((f"it looks as if {sign}",) if sign and not is_vfork else ())]
    if facts.place:
        why.append(f"the file system: {facts.place}")
    if facts.wchan:
        why.append(f"kernel function {facts.wchan}")
    if facts.stack:
        why.append(f"kernel stack: {' < '.join(facts.stack[:6])}")
    if wait is not None and is_vfork:
        why += in_turn(facts)
    pids = tuple(party.pid for party in wait.parties) if wait is not None else ()
    return Finding(
        "disk sleep",
        NOTE if is_vfork else WRONG,
        f"asleep and deaf to signals (state D){said}",
        tuple(why),
        pids,
        tuple(_todo(facts, sign)),
    )


def _sign(facts: Facts) -> str:
    names = (facts.wchan, *facts.stack)
    for beginnings, meaning in _SIGNS:
        if any(name.startswith(beginnings) for name in names):
            return meaning
    return ""


def _todo(facts: Facts, sign: str) -> list[str]:
    if facts.wait is not None and facts.wait.kind == "vfork":
        return []
    if "FUSE" in sign:
        return ["end the program behind the file system, or: echo 1 > /sys/fs/fuse/connections/*/abort"]
    if "frozen" in sign:
        return ["thaw it: fsfreeze -u FOLDER"]
    lines = ["not even SIGKILL works before the kernel's call returns: mend the disk or server it waits for"]
    if not facts.stack:
        lines.append("root is shown the kernel's stack as well")
    return lines
