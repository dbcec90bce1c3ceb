"""What a file or folder is, by its content, never by its name."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from drillctl.errors import RecoveryFailed
from drillctl.restore.engines.pg_dump import archive, stream

TOC = "toc.dat"
_HEAD = 64 << 10
_GLOBALS_LIMIT = 8 << 20
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_PLAIN = b"-- PostgreSQL database dump"
_CLUSTER = b"-- PostgreSQL database cluster dump"
_STRANGERS = {
    b"-- MySQL dump": "a dump of MySQL",
    b"-- MariaDB dump": "a dump of MariaDB",
    b"SQLite format 3\0": "an SQLite database",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 stream, which drillctl cannot unpack",
    b"-----BEGIN PGP": "encrypted with PGP",
    b"Salted__": "encrypted with openssl",
    b"age-encryption.org": "encrypted with age",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`form` is custom, directory, tar, plain, cluster (pg_dumpall) or globals; `wrapping` is the
    compression around the file (`gz`, `zst`, `xz`, `lz4`), or empty."""

    form: str
    wrapping: str = ""

    @property
    def is_archive(self) -> bool:
        return self.form in ("custom", "directory", "tar")

    def __str__(self) -> str:
        return f"{self.form}.{self.wrapping}" if self.wrapping else self.form


def sniff(path: Path) -> Shape:
    """Raises RecoveryFailed: `restore.empty_file`, `.not_a_dump`, `.unreadable`, `.dangling_link`,
    or what is wrong with a compressed stream's beginning."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _sniff_folder(path)
        if not stat.S_ISREG(mode):
            raise _not_a_dump(path, "neither a file nor a folder")
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise stream.unreadable(path, error) from error
    if not start:
        raise RecoveryFailed(
            "restore.empty_file",
            "the backup is an empty file",
            observed=str(path),
            hint="see why the job that takes the dump wrote nothing",
        )
    found = (name for name, magic in stream.MAGICS.items() if start.startswith(magic))
    wrapping = next(found, "")
    return _sniff_head(path, stream.head(path, wrapping, _HEAD), wrapping)


def _sniff_folder(path: Path) -> Shape:
    if (path / TOC).exists():
        return Shape(form="directory")
    if (path / "PG_VERSION").exists() or (path / "backup_manifest").exists():
        raise _not_a_dump(path, "a physical backup (a data directory)")
    raise _not_a_dump(path, f"a folder without {TOC}")


def _sniff_head(path: Path, head: bytes, wrapping: str) -> Shape:
    if head.startswith(archive.MAGIC):
        return Shape(form="custom", wrapping=wrapping)
    if head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        if head.startswith(TOC.encode() + b"\0"):
            return Shape(form="tar", wrapping=wrapping)
        raise _not_a_dump(path, "a tar archive that pg_dump did not write")
    lines = head.replace(b"\r\n", b"\n")
    if _CLUSTER + b"\n" in lines:
        return Shape(form=_cluster_form(path, wrapping), wrapping=wrapping)
    if _PLAIN + b"\n" in lines:
        return Shape(form="plain", wrapping=wrapping)
    if len(head) < len(archive.MAGIC) and archive.MAGIC.startswith(head):
        raise stream.truncated("the file ends inside the first word of its header")
    known = (what for magic, what in _STRANGERS.items() if head.startswith(magic))
    raise _not_a_dump(path, next(known, "content that pg_dump does not write"))


def _cluster_form(path: Path, wrapping: str) -> str:
    """A file with globals alone never connects to a database of its own."""
    for limit in (_HEAD, _GLOBALS_LIMIT):
        text = stream.head(path, wrapping, limit)
        if b"\n-- Databases\n" in text or text.count(b"\n\\connect ") > 1:
            return "cluster"
        if len(text) < limit:
            break
    return "globals"


def _missing(path: Path) -> RecoveryFailed:
    if os.path.islink(path):  # noqa: PTH114 - Path.is_symlink follows nothing either; same answer
        return RecoveryFailed(
            "restore.dangling_link",
            "the backup is a link to something that is not there",
            observed=f"{path} -> {os.readlink(path)}",  # noqa: PTH115
            hint="mend the link, or name the dump itself",
        )
    return RecoveryFailed(
        "restore.location_missing",
        "there is nothing at the backup's location",
        observed=str(path),
        hint="check `restore.from`, and that its disk is mounted",
    )


def _not_a_dump(path: Path, observed: str) -> RecoveryFailed:
    return RecoveryFailed(
        "restore.not_a_dump",
        "this is not a dump that pg_dump or pg_dumpall wrote",
        expected="a custom, directory, tar or plain dump, by its content",
        observed=f"{path}: {observed}",
        hint="name the dump, or the folder that holds dumps, in `restore.from`",
    )
