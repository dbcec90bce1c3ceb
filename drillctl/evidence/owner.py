"""Who owns a run or a sandbox: enough to tell whether the owner still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process on a host. A pid alone may be reused; its start time since boot may not."""

    host: str
    boot: str
    pid: int
    started: str

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)

    @staticmethod
    def from_dict(raw: dict[str, str | int]) -> Owner:
        return Owner(
            host=str(raw["host"]),
            boot=str(raw["boot"]),
            pid=int(raw["pid"]),
            started=str(raw["started"]),
        )


def this_process() -> Owner:
    return owner_of(os.getpid())


def owner_of(pid: int) -> Owner:
    return Owner(host=socket.gethostname(), boot=_boot_id(), pid=pid, started=_started(pid))


def is_alive(owner: Owner) -> bool | None:
    """True or False for an owner of this host; None for another host's, which we cannot see."""
    if owner.host != socket.gethostname():
        return None
    if owner.boot != _boot_id():
        return False
    started = _started(owner.pid)
    return bool(started) and started == owner.started


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _started(pid: int) -> str:
    """Field 22 of /proc/<pid>/stat (see proc(5)); empty when gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _started_elsewhere(pid)
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _started_elsewhere(pid: int) -> str:
    """Without /proc: alive or not is all we can tell."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "running"
    return "running"
