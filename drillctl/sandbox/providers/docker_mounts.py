"""Host files and folders that are shown in a container.

They are bind-mounted, read-only. Where the account inside could not read a file (a backup that root
made for root), its rights are not changed: a copy goes onto the sandbox's volume, owned by root.
"""

from __future__ import annotations

import os
import stat
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drillctl.errors import SandboxError
from drillctl.sandbox.contract import Mount
from drillctl.sandbox.providers.docker_place import VOLUME_INSIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A host path and where it is seen inside. `copied`: not bound, but copied to the volume."""

    host: Path
    inside: str
    writable: bool
    copied: bool


def shown_mounts(mounts: tuple[Mount, ...], uid: int, gid: int) -> tuple[Shown, ...]:
    """Raises SandboxError `sandbox.mount_missing` for a path that is not there."""
    found = []
    for number, mount in enumerate(mounts):
        try:
            host = mount.host.resolve(strict=True)
        except OSError as error:
            raise SandboxError(
                "sandbox.mount_missing",
                f"{mount.host} cannot be shown in the sandbox",
                expected="a file or folder",
                observed=str(error.strerror),
                hint="correct the path",
            ) from error
        copied = not mount.writable and not _readable(host, uid, gid)
        folder = f"{VOLUME_INSIDE}/staged" if copied else "/drill"
        inside = f"{folder}/{number}/{host.name}"
        found.append(Shown(host=host, inside=inside, writable=mount.writable, copied=copied))
    return tuple(found)


def let_write(shown: tuple[Shown, ...], uid: int, gid: int) -> None:
    """A writable mount is ours to share: it becomes the account's, or open to it."""
    for one in shown:
        if not one.writable:
            continue
        if os.geteuid() == 0:
            os.chown(one.host, uid, gid)
        else:
            one.host.chmod(stat.S_IMODE(one.host.stat().st_mode) | 0o007)


def copied_bytes(shown: tuple[Shown, ...]) -> int:
    return sum(_size(one.host) for one in shown if one.copied)


def as_tar(shown: Shown) -> Iterator[bytes]:
    """A copied mount as a stream that the engine unpacks in the volume: root's, readable by all."""
    reader, writer = os.pipe()
    failed: list[BaseException] = []

    def write() -> None:
        try:
            with os.fdopen(writer, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as tar:
                tar.add(
                    shown.host, arcname=Path(shown.inside).relative_to(VOLUME_INSIDE), filter=_plain
                )
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    with os.fdopen(reader, "rb") as pipe:
        while chunk := pipe.read(1 << 18):
            yield chunk
    thread.join()
    if failed:
        raise failed[0]


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def _readable(path: Path, uid: int, gid: int) -> bool:
    every = (path, *(path.rglob("*") if path.is_dir() else ()))
    return all(_may_read(one.lstat(), uid, gid) for one in every)


def _may_read(what: os.stat_result, uid: int, gid: int) -> bool:
    if stat.S_ISLNK(what.st_mode):
        return True
    need = 0o5 if stat.S_ISDIR(what.st_mode) else 0o4
    shift = 6 if what.st_uid == uid else 3 if what.st_gid == gid else 0
    return (what.st_mode >> shift) & need == need


def _size(path: Path) -> int:
    every = path.rglob("*") if path.is_dir() else (path,)
    return sum(one.lstat().st_size for one in every if stat.S_ISREG(one.lstat().st_mode))
