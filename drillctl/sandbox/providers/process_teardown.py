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
from drillctl.sandbox.providers.process_members import pids_of
from drillctl.sandbox.providers.process_place import Place, cgroups_of, claims

_KILL_SECONDS = 10


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
                # As its owner: root in an ordinary container may not remove another account's.
                subprocess.run(
                    ["ipcrm", "-m", ident],
                    user=uid if os.geteuid() == 0 else None,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    timeout=10,
                )
