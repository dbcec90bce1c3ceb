"""Is the archive all there? Places that its table of contents names, against the disk.

Cheap: no data is read. It finds a cut or a lost file before anything is provisioned.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drillctl.errors import RecoveryFailed
from drillctl.restore.engines.pg_dump import archive, stream
from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.sniff import Shape

_SUFFIXES = ("", ".gz", ".lz4", ".zst")
_BLOCK = 512


def check_whole(path: Path, shape: Shape, size: int, entries: Sequence[Entry]) -> None:
    """Raises RecoveryFailed: truncated, a file missing, or corrupt."""
    if shape.wrapping:
        return
    if shape.form == "custom":
        _check_offsets(size, entries)
    elif shape.form == "directory":
        _check_files(path, entries)
        _check_not_empty(path)
    elif shape.form == "tar":
        _check_members(path, size, entries)


def _check_offsets(size: int, entries: Sequence[Entry]) -> None:
    beyond = [e for e in entries if isinstance(e.place, int) and e.place >= size]
    if beyond:
        raise stream.truncated(
            f"{len(beyond)} of {len(entries)} items lie past the end of the file ({size} bytes), "
            f"the first is {beyond[0]}"
        )


def _check_files(path: Path, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if not isinstance(entry.place, str) or not entry.place:
            continue
        if Path(entry.place).name != entry.place:
            raise archive.corrupt(f"{entry} lies outside the dump's folder")
        files = [path / (entry.place + suffix) for suffix in _SUFFIXES]
        found = next((file for file in files if file.exists()), None)
        if found is None:
            raise RecoveryFailed(
                "restore.archive_file_missing",
                f"a file of the dump is missing: the one for {entry}",
                expected=f"{entry.place}, compressed or not, in {path}",
                observed="no such file",
                hint="the dump's folder was not copied whole",
            )
        if found.stat().st_size == 0:
            raise stream.truncated(f"{found.name}, for {entry}, is empty")


def _check_not_empty(path: Path) -> None:
    """A compressed file is never empty, a large object's neither: pg_restore takes it for one."""
    for file in path.iterdir():
        if file.suffix in _SUFFIXES[1:] and file.stat().st_size == 0:
            raise stream.truncated(f"{file.name} is empty")


def _check_members(path: Path, size: int, entries: Sequence[Entry]) -> None:
    """Walk the tar's headers: each member there in full, and two empty blocks at the end."""
    members = set()
    at = 0
    with path.open("rb") as file:
        while True:
            file.seek(at)
            block = file.read(_BLOCK)
            if len(block) < _BLOCK:
                raise stream.truncated("the tar has no end")
            if block == bytes(_BLOCK):
                break
            try:
                length = int(block[124:136].rstrip(b"\0 ") or b"0", 8)
            except ValueError as error:
                raise archive.corrupt(f"the tar's member at byte {at} has no size") from error
            members.add(block[:100].split(b"\0")[0].decode("utf-8", "replace"))
            at += _BLOCK + -(-length // _BLOCK) * _BLOCK
            if at > size:
                raise stream.truncated(f"the tar ends inside a member, at byte {size}")
        if file.read(_BLOCK) != bytes(_BLOCK):
            raise stream.truncated("the tar's end is cut")
    for entry in entries:
        if entry.kind == "BLOBS" or not isinstance(entry.place, str):
            continue  # a tar keeps large objects under names of their own
        if entry.place and entry.place not in members:
            raise RecoveryFailed(
                "restore.archive_file_missing",
                f"a member of the tar is missing: the one for {entry}",
                expected=entry.place,
            )
