"""Which isolation of a container held: tried from inside, or read back from the kernel."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from drillctl.command import Runner
from drillctl.definition.units import format_duration, format_size
from drillctl.evidence.facts import IsolationProbe
from drillctl.sandbox.contract import Order
from drillctl.sandbox.probes import HostSigns, readable_here, try_all
from drillctl.sandbox.providers.docker_container import Built
from drillctl.sandbox.providers.docker_exec import Inside

_LIMITS = """cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max
echo pids; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max
echo cpu; cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max"""


def isolation(
    built: Built, order: Order, inside: Inside, run: Runner, journal: Path
) -> tuple[IsolationProbe, ...]:
    """`journal` stands for the run folder, which must not be readable from inside."""
    hidden = (journal,) if readable_here(journal) else ()
    fixed = tuple(shown.inside for shown in built.shown if not shown.writable)
    return (
        *try_all(HostSigns(hidden=hidden, fixed=(built.image.bin, *fixed)), run),
        _socket_is_private(built),
        *_limits(order, inside),
        IsolationProbe(
            name="time limit",
            held=True,
            detail=f"{format_duration(order.timeout)}, by the first process inside",
        ),
    )


def _socket_is_private(built: Built) -> IsolationProbe:
    """Tried as another account where we may become one, else read from the folder's rights."""
    name, folder = "socket out of other accounts' reach", built.place.sockets
    if os.geteuid() == 0 and shutil.which("setpriv"):
        other = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls", str(folder))
        done = subprocess.run(other, capture_output=True, timeout=10, check=False)
        held = done.returncode != 0
        detail = "refused to another account" if held else "listed by another account"
        return IsolationProbe(name=name, held=held, detail=detail)
    mode = stat.S_IMODE(built.place.folder.stat().st_mode)
    return IsolationProbe(name=name, held=not mode & 0o077, detail=f"folder mode {mode:04o}")


def _limits(order: Order, inside: Inside) -> tuple[IsolationProbe, ...]:
    """What the kernel enforces, read inside: cgroup version 1 or 2."""
    text = inside.quietly(["sh", "-c", f"({_LIMITS}) 2> /dev/null"])
    memory, _, rest = text.partition("pids\n")
    pids, _, cpu = rest.partition("cpu\n")
    size = int(memory) if memory.strip().isdigit() else None
    return (
        IsolationProbe(
            name="memory limit",
            held=None if not memory.strip() else size is not None and size <= order.memory,
            detail=format_size(size) if size is not None else "no number in the cgroup",
        ),
        IsolationProbe(
            name="process limit",
            held=None if not pids.strip() else pids.strip().isdigit(),
            detail=f"{pids.strip() or 'no number'} processes, read in the cgroup",
        ),
        IsolationProbe(
            name="processor limit",
            held=None if not cpu.strip() else bool(re.match(r"\d", cpu)),
            detail=f"quota {cpu.strip() or 'unknown'}, read in the cgroup",
        ),
    )
