"""Memory, process and processor limits of a process sandbox, by cgroup v2 or v1 where one may be
written; nowhere else, and then nothing is said to be limited."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_V1 = ("memory", "pids", "cpu")
_MOST_PROCESSES = 512
_PERIOD = 100_000  # microseconds


def folders(name: str) -> tuple[Path, ...]:
    """The cgroup folders that a sandbox of this name would have; empty where none can be made."""
    if os.geteuid() != 0:
        return ()
    unified = (_ROOT / "cgroup.controllers").exists()
    parents = (_ROOT,) if unified else tuple(map(_own_v1, _V1))
    if not all(parent.is_dir() and os.access(parent, os.W_OK) for parent in parents):
        return ()
    return tuple(parent / name for parent in parents)


def make(wanted: tuple[Path, ...], memory: int, cpus: float) -> tuple[Path, ...]:
    """Make them with their limits; `memory` in bytes. Returns () when the kernel refuses."""
    try:
        for folder in wanted:
            if folder.parent == _ROOT:
                (_ROOT / "cgroup.subtree_control").write_text("+memory +pids +cpu")
            folder.mkdir()
            for file, value in _limits(folder, memory, cpus).items():
                (folder / file).write_text(value)
            for swap in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
                if (folder / swap).exists():
                    (folder / swap).write_text(str(memory if "memsw" in swap else 0))
    except OSError:
        remove(wanted)
        return ()
    return wanted


def members(wanted: tuple[Path, ...]) -> set[int]:
    """The pids in any of them."""
    found: set[int] = set()
    for folder in wanted:
        with contextlib.suppress(OSError):
            found |= {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
    return found


def remove(wanted: tuple[Path, ...]) -> tuple[Path, ...]:
    """Remove them and return those that are still there. The kernel needs a moment after the last
    process in one died."""
    for _ in range(100):
        for folder in wanted:
            with contextlib.suppress(OSError):
                folder.rmdir()
        left = tuple(folder for folder in wanted if folder.is_dir())
        if not left:
            return ()
        time.sleep(0.02)
    return left


def memory_limit(made: tuple[Path, ...]) -> int | None:
    """The limit in bytes, as the kernel says it; None without one."""
    for folder in made:
        for file in ("memory.max", "memory.limit_in_bytes"):
            with contextlib.suppress(OSError, ValueError):
                return int((folder / file).read_text())
    return None


def oom_kills(made: tuple[Path, ...]) -> int:
    """How many processes inside the kernel has killed for want of memory."""
    for folder in made:
        for file in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError, ValueError):
                pairs = (line.split() for line in (folder / file).read_text().splitlines())
                return int(dict(pair for pair in pairs if len(pair) == 2).get("oom_kill", 0))
    return 0


def _limits(folder: Path, memory: int, cpus: float) -> dict[str, str]:
    quota = max(1000, int(cpus * _PERIOD))
    if folder.parent == _ROOT:
        return {
            "memory.max": str(memory),
            "pids.max": str(_MOST_PROCESSES),
            "cpu.max": f"{quota} {_PERIOD}",
        }
    return {
        "memory": {"memory.limit_in_bytes": str(memory)},
        "pids": {"pids.max": str(_MOST_PROCESSES)},
        "cpu": {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": str(quota)},
    }[folder.relative_to(_ROOT).parts[0]]


def _own_v1(controller: str) -> Path:
    """This process's own cgroup of a v1 controller: limits above us go on to hold."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if controller in names.split(","):
                own = _ROOT / controller / path.lstrip("/")
                # Inside a container the path is the host's, and the mount starts at our own.
                return own if own.is_dir() else _ROOT / controller
    return _ROOT / controller
