"""The root file system of a sandbox: a list of what is shown inside; all else is not there.

Written as a shell script that the supervisor runs before it sleeps, so that `cat cell.sh` tells
what a sandbox could see.
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from drillctl.sandbox.contract import Mount
from drillctl.sandbox.providers.process_cell import Cell
from drillctl.sandbox.providers.process_place import Place

# Merged-usr systems have symbolic links here; others have folders.
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# The linker's cache, links such as /usr/bin/awk, and the clock; no host names, no accounts.
_ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/ssl/openssl.cnf")

_PROLOGUE = r"""set -eu
read -r pid _ < /proc/self/stat
show() {  # host path, path inside, mount options; also for what is mounted further below
    if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p ".${2%/*}"; : > ".$2"; fi
    mount --rbind "$1" ".$2"
    while read -r _ _ _ _ at _; do
        at=$(printf '%b' "$at")
        case "$at" in "$new$2" | "$new$2"/*) mount -o "remount,bind,$3" "$at" ;; esac
    done < /proc/self/mountinfo
}
mount -t tmpfs -o mode=0755,size=4m,nosuid,nodev drillctl "$new"
cd "$new"
mkdir -p proc dev/shm tmp etc old
mount -t proc -o nosuid,nodev,noexec proc proc
for device in null zero full random urandom; do
    : > dev/$device
    mount --bind /dev/$device dev/$device
done
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
"""

_EPILOGUE = """mount -o remount,ro .
pivot_root . old
cd /
umount -n -l /old
echo "ready $pid"
exec > /dev/null 2>&1
sleep "$seconds" &
wait
"""


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
        host = mount.host.resolve()
        inside = f"/mnt/{number}/{host.name}" if cell.own_root else str(host)
        copy = not mount.writable and os.geteuid() == 0 and not readable_by_others(host)
        source = place.folder / "staged" / str(number) / host.name if copy else host
        if copy and not cell.own_root:
            inside = str(source)
        found.append(Shown(host=host, source=source, inside=inside, writable=mount.writable))
    return tuple(found)


def stage(shown: tuple[Shown, ...]) -> None:
    """Copy what the account inside could not read; the original is never touched."""
    for one in shown:
        if one.source == one.host:
            continue
        one.source.parent.mkdir(parents=True, mode=0o755)
        if one.host.is_dir():
            shutil.copytree(one.host, one.source, symlinks=True)
        else:
            shutil.copy2(one.host, one.source)
        for path in (one.source, *one.source.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)


def readable_by_others(path: Path) -> bool:
    """Whether any account may read all of `path` once it is bound somewhere reachable."""
    for one in (path, *(path.rglob("*") if path.is_dir() else ())):
        mode = one.lstat().st_mode
        if stat.S_ISLNK(mode):
            continue
        need = 0o005 if stat.S_ISDIR(mode) else 0o004
        if mode & need != need:
            return False
    return True


def root_script(
    cell: Cell, place: Place, programs: Path, shown: tuple[Shown, ...], memory: int
) -> str:
    """`memory` in bytes limits shared memory; `programs` is the Postgres installation."""
    readonly, no_programs = "ro,nosuid,nodev", "nosuid,nodev,noexec"
    lines = [f"new={place.folder}/root", f"seconds={cell.seconds}", _PROLOGUE]
    lines.append(f"mount -t tmpfs -o mode=1777,size={memory},{no_programs} shm dev/shm")
    # First, since a base folder or a wheel may lie under /tmp itself.
    lines.append(_show(str(place.inner / "tmp"), "/tmp", no_programs))  # noqa: S108
    lines.append(_show("/usr", "/usr", readonly))
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            lines.append(f"ln -s {shlex.quote(str(path.readlink()))} .{path}")
        elif path.is_dir():
            lines.append(_show(str(path), str(path), readonly))
    lines += [_show(path, path, readonly) for path in _ETC if Path(path).exists()]
    lines.append(_show(f"{place.folder}/passwd", "/etc/passwd", readonly))
    if not programs.is_relative_to("/usr"):
        lines.append(_show(str(programs), str(programs), readonly))
    for one in shown:
        options = no_programs if one.writable else f"ro,{no_programs}"
        lines.append(_show(str(one.source), one.inside, options))
    lines.append(_show(str(place.inner), str(place.inner), no_programs))
    return "\n".join([*lines, _EPILOGUE])


def passwd(cell: Cell) -> str:
    """initdb wants its account to have a name."""
    return (
        "root:x:0:0:root:/:/usr/sbin/nologin\n"
        f"drillctl:x:{cell.uid}:{cell.gid}:sandbox:/tmp:/bin/sh\n"
    )


def _show(host: str, inside: str, options: str) -> str:
    return f"show {shlex.quote(host)} {shlex.quote(inside)} {options}"
