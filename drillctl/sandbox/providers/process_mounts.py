"""Host files and folders that are shown inside a process sandbox.

Another account than root's may not be able to read a backup that root made. The backup's rights
are never changed: what could not be read inside is copied, on one disk by reference where the file
system can.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drillctl.sandbox.contract import Mount
from drillctl.sandbox.providers.process_cell import Cell, method_here
from drillctl.sandbox.providers.process_place import Place

_COPY_SECONDS = 6 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A host path, where it is seen inside, and what is really bound there (a readable copy when
    the account inside could not read the original)."""

    host: Path
    source: Path
    inside: str
    writable: bool


def shown_mounts(place: Place, cell: Cell, mounts: tuple[Mount, ...]) -> tuple[Shown, ...]:
    """Where each mount of an order goes. Without an own root it is seen where it is."""
    found = []
    for number, mount in enumerate(mounts):
        host = mount.host.resolve(strict=True)
        copy = place.folder / "staged" / str(number) / host.name
        source = copy if needs_copy(mount) else host
        inside = f"/mnt/{number}/{host.name}" if cell.own_root else str(source)
        found.append(Shown(host=host, source=source, inside=inside, writable=mount.writable))
    return tuple(found)


def stage(shown: tuple[Shown, ...], cell: Cell, env: Mapping[str, str]) -> None:
    """Copy what the account inside could not read; give it the folders that it may write."""
    for one in shown:
        if one.source != one.host:
            one.source.parent.mkdir(parents=True, mode=0o755)
            copy_tree(one.host, one.source, env)
        if one.writable and os.geteuid() == 0:
            os.chown(one.host, cell.uid, cell.gid)


def copy_tree(source: Path, copy: Path, env: Mapping[str, str]) -> None:
    """A copy that every account may read, if it can reach it. Raises OSError."""
    argv = ["cp", "-R", "-p", str(source), str(copy)]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=_COPY_SECONDS, check=False, env=env
    )
    if done.returncode != 0:
        full = "No space left" in done.stderr
        raise OSError(28 if full else 5, "a copy could not be made", str(source))
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)


def needs_copy(mount: Mount) -> bool:
    """As root, whether there is some of it that not every account may read."""
    if mount.writable or os.geteuid() != 0:
        return False
    host = mount.host.resolve()
    # Bound into an own root it is reached there, whatever the folders above it say.
    reached = method_here() == "namespaces" or all(
        parent.stat().st_mode & 0o001 for parent in host.parents
    )
    return not (reached and _readable_by_others(host))


def size_of(path: Path) -> int:
    """Bytes of the file, or of all files below the folder."""
    every = path.rglob("*") if path.is_dir() else (path,)
    return sum(one.lstat().st_size for one in every if stat.S_ISREG(one.lstat().st_mode))


def _readable_by_others(path: Path) -> bool:
    for one in (path, *(path.rglob("*") if path.is_dir() else ())):
        mode = one.lstat().st_mode
        if stat.S_ISLNK(mode):
            continue
        need = 0o005 if stat.S_ISDIR(mode) else 0o004
        if mode & need != need:
            return False
    return True
