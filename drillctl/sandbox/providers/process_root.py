"""The root file system of a sandbox: a list of what is shown inside; all else is not there.

Written as a shell script that the supervisor runs before it sleeps, so that `cat cell.sh` tells
what a sandbox could see.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from drillctl.sandbox.providers.process_cell import Cell
from drillctl.sandbox.providers.process_mounts import Shown
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


def root_script(
    cell: Cell, place: Place, programs: tuple[Path, ...], shown: tuple[Shown, ...], memory: int
) -> str:
    """`memory` in bytes limits shared memory; `programs`: the folders of Postgres."""
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
    lines += [
        _show(str(path), str(path), readonly)
        for path in programs
        if not path.is_relative_to("/usr")
    ]
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
