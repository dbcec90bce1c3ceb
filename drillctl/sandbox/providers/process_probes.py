"""Which isolation of a process sandbox held: tried from inside, or read back."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

from drillctl.command import Command, Runner
from drillctl.definition.units import format_duration, format_size
from drillctl.errors import SandboxError
from drillctl.evidence.facts import IsolationProbe
from drillctl.sandbox.contract import Order
from drillctl.sandbox.probes import HostSigns, readable_here, try_all
from drillctl.sandbox.providers import process_cgroup as cgroup
from drillctl.sandbox.providers.process_build import Built
from drillctl.sandbox.providers.process_place import claims


def isolation(
    built: Built, order: Order, run: Runner, run_folder: Path
) -> tuple[IsolationProbe, ...]:
    """`run_folder`: the evidence, which must not be readable from inside."""
    others = tuple(
        claim.place.inner for claim in claims(built.place.base) if claim.place != built.place
    )
    hidden = tuple(path for path in (run_folder, *others[:1]) if readable_here(path))
    fixed = tuple(shown.inside for shown in built.shown if not shown.writable)
    fixed = (str(built.binaries.path), *fixed)
    return (
        *try_all(HostSigns(hidden=hidden, fixed=fixed), run),
        _writes_stay_inside(built, run),
        _socket_is_private(built),
        _memory_is_limited(built, order),
        _time_is_limited(built, order),
    )


def _writes_stay_inside(built: Built, run: Runner) -> IsolationProbe:
    """Inside, the folder above our own may be there and writable, as long as it is another one."""
    name, target = "write beside the sandbox", built.place.base / f"{built.place.name}.probe"
    script = f": > {shlex.quote(str(target))}"
    try:
        run(Command(argv=("sh", "-c", script), purpose=name), timeout=5)
    except SandboxError as error:
        return IsolationProbe(name=name, held=None, detail=error.message)
    arrived = target.exists()
    target.unlink(missing_ok=True)
    detail = "a file arrived outside" if arrived else "tried from inside, nothing arrived outside"
    return IsolationProbe(name=name, held=not arrived, detail=detail)


def _socket_is_private(built: Built) -> IsolationProbe:
    name, folder = "socket out of other accounts' reach", built.place.sockets
    if os.geteuid() == 0 and shutil.which("setpriv"):
        other = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls", str(folder))
        done = subprocess.run(other, capture_output=True, timeout=10, check=False)
        tried = (
            "listed by another account" if done.returncode == 0 else "refused to another account"
        )
        same = built.cell.uid == 65534
        return IsolationProbe(
            name=name,
            held=None if same else done.returncode != 0,
            detail="the sandbox itself runs as nobody" if same else tried,
        )
    mode = stat.S_IMODE(folder.stat().st_mode)
    return IsolationProbe(name=name, held=not mode & 0o077, detail=f"folder mode {mode:04o}")


def _memory_is_limited(built: Built, order: Order) -> IsolationProbe:
    limit = cgroup.memory_limit(built.cell.groups)
    if limit is None:
        detail = "not enforced: no cgroup can be written here"
        return IsolationProbe(name="memory limit", held=None, detail=detail)
    inside = cgroup.members(built.cell.groups[:1])
    held = limit <= order.memory and bool(inside)
    detail = f"{format_size(limit)}, read back from the cgroup of {len(inside)} processes"
    return IsolationProbe(name="memory limit", held=held, detail=detail)


def _time_is_limited(built: Built, order: Order) -> IsolationProbe:
    enforced = built.supervisor is not None or shutil.which("timeout") is not None
    by = "the first process inside" if built.supervisor is not None else "coreutils timeout"
    return IsolationProbe(
        name="time limit",
        held=True if enforced else None,
        detail=f"{format_duration(order.timeout)}, by {by}" if enforced else "not enforced",
    )
