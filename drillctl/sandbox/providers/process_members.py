"""Which live processes belong to a process sandbox."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

from drillctl.sandbox.providers import process_cgroup as cgroup
from drillctl.sandbox.providers.process_place import Place, cgroups_of

MARKER = "DRILLCTL_SANDBOX"


def marked(place: Place) -> dict[str, str]:
    """The environment of a program that works on `place` from outside, such as a copy: it goes on
    when its starter is killed, and is found by this."""
    return {**os.environ, MARKER: place.name}


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
    with contextlib.suppress(OSError), _as_owner_of(proc):
        if f"{(proc / 'cwd').readlink()}/".startswith(folder):
            return pid != os.getpid()
    with contextlib.suppress(OSError):
        if os.fsencode(place.script) in (proc / "cmdline").read_bytes().split(b"\0"):
            return True
    with contextlib.suppress(OSError), _as_owner_of(proc):
        mark = f"{MARKER}={place.name}".encode()
        return mark in (proc / "environ").read_bytes().split(b"\0")
    return False


@contextlib.contextmanager
def _as_owner_of(proc: Path) -> Iterator[None]:
    """Look as the process's own account would. Root in an ordinary container has no
    CAP_SYS_PTRACE, and is shown neither folder nor environment of another account's process.

    The kernel keeps these two ids for each thread; no other thread of ours is touched.
    """
    owner, uid, gid = proc.stat(), os.geteuid(), os.getegid()
    if uid != 0 or owner.st_uid == uid:
        yield
        return
    libc = ctypes.CDLL(None)
    try:
        libc.setfsgid(ctypes.c_uint(owner.st_gid))
        libc.setfsuid(ctypes.c_uint(owner.st_uid))
        yield
    finally:
        libc.setfsuid(ctypes.c_uint(uid))
        libc.setfsgid(ctypes.c_uint(gid))


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
