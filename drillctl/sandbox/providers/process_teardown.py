"""Removing a process sandbox, and looking again. The same for our own and for a dead run's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from drillctl.clock import Deadline
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner
from drillctl.sandbox.contract import Leftover
from drillctl.sandbox.providers import process_cgroup as cgroup
from drillctl.sandbox.providers.process_place import Place, cgroups_of, claims

MARKER = "DRILLCTL_SANDBOX"
_KILL_SECONDS = 10


def marked(place: Place) -> dict[str, str]:
    """The environment of a program that works on `place` from outside, such as a copy: it goes on
    when its starter is killed, and is found by this."""
    return {**os.environ, MARKER: place.name}


def remove(place: Place) -> tuple[str, ...]:
    """Kill and remove all of `place`; returns what is still there when looked for again.

    The data is thrown away, so nothing is shut down first.
    """
    groups = cgroups_of(place)
    left = [f"process {pid}" for pid in kill_all(place, groups)]
    _remove_shared_memory(place)
    left += [f"cgroup {folder}" for folder in cgroup.remove(groups)]
    for _ in range(3):  # a file that goes away or comes up meanwhile stops one attempt
        with contextlib.suppress(OSError):
            shutil.rmtree(place.folder)
            break
    if os.path.lexists(place.folder):
        left.append(f"folder {place.folder}")
    if not left:
        place.owner_link.unlink(missing_ok=True)
    return tuple(left)


def journal_removal(
    journal: Journal, effects: tuple[tuple[str, str], ...], left: tuple[str, ...]
) -> None:
    """Say of each effect that it was undone, unless one of its kind is still there."""
    kinds = {item.partition(" ")[0] for item in left}
    for kind, name in reversed(effects):
        if kind not in kinds:
            journal.unmade(kind, name)


def sweep(base: Path, is_dead: Callable[[Owner], bool]) -> tuple[Leftover, ...]:
    """Remove what dead owners left under `base`; a live owner's is not touched."""
    found = []
    for claim in claims(base):
        if not is_dead(claim.owner):
            continue
        left = remove(claim.place)
        found.append(
            Leftover(
                kind="process",
                name=claim.place.name,
                run_id=claim.run_id,
                removed=not left,
                detail=", ".join(left),
            )
        )
    return tuple(found)


def kill_all(place: Place, groups: tuple[Path, ...]) -> set[int]:
    """Kill every process of `place`; returns those that are left after some seconds.

    On a system without /proc (a Mac) they cannot be listed: the server is asked to end at once.
    """
    if not Path("/proc/self").exists():
        with contextlib.suppress(OSError, ValueError, IndexError):
            os.kill(int((place.data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    deadline = Deadline(_KILL_SECONDS)
    while pids := pids_of(place, groups):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if deadline.passed:
            return pids
        time.sleep(0.005)
    return set()


def server_pids(place: Place) -> set[int]:
    """The server's own processes, tools beside it left out."""
    return {pid for pid in pids_of(place, cgroups_of(place)) if _name(pid) == "postgres"}


def pids_of(place: Place, groups: tuple[Path, ...]) -> set[int]:
    """Every live process that belongs to `place`: in its cgroups, working in its folder, started
    by its script or with its mark. One sign is enough: no process loses them all."""
    found = cgroup.members(groups)
    try:
        everyone = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    except OSError:
        everyone = []
    found |= {pid for pid in everyone if _belongs(pid, place)}
    return {pid for pid in found - {os.getpid()} if _is_running(pid)}


def _belongs(pid: int, place: Place) -> bool:
    folder = f"{place.folder}/"
    proc = Path(f"/proc/{pid}")
    with contextlib.suppress(OSError):
        if f"{(proc / 'cwd').readlink()}/".startswith(folder):
            return pid != os.getpid()
    with contextlib.suppress(OSError):
        if os.fsencode(place.script) in (proc / "cmdline").read_bytes().split(b"\0"):
            return True
    with contextlib.suppress(OSError):
        mark = f"{MARKER}={place.name}".encode()
        return mark in (proc / "environ").read_bytes().split(b"\0")
    return False


def _is_running(pid: int) -> bool:
    """A zombie is dead; only its parent can bury it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _remove_shared_memory(place: Place) -> None:
    """Without an IPC namespace a killed server leaves one small System V segment. Removed only
    when key, id, owner and `nobody uses it` all agree: an id alone could be another server's."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        key, ident = (place.data / "postmaster.pid").read_text().splitlines()[6].split()
        uid = place.data.stat().st_uid
        for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
            fields = line.split()
            same = int(fields[0]) % (1 << 32) == int(key) % (1 << 32) and fields[1] == ident
            if same and fields[6] == "0" and int(fields[7]) == uid:
                subprocess.run(["ipcrm", "-m", ident], check=False, timeout=10)
