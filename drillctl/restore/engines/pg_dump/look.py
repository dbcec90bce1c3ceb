"""A first look into a dump: what it is, of which database, and when it was taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from drillctl.restore.engines.pg_dump import archive, sniff, stream
from drillctl.restore.engines.pg_dump.archive import Entry, Header, Reader
from drillctl.restore.engines.pg_dump.sniff import Shape

_PLAIN_HEAD = 256 << 10
_TAR_BLOCK = 512
_FROM = re.compile(rb"^-- Dumped from database version (\S[^\r\n]*)", re.M)
_BY = re.compile(rb"^-- Dumped by pg_dump version (\S[^\r\n]*)", re.M)
_CLIENT = re.compile(rb"^SET client_encoding = '([A-Za-z0-9_]+)';", re.M)
_STARTED = re.compile(rb"^-- Started on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ?(\S*)", re.M)
_CREATES = re.compile(rb'^CREATE DATABASE ("(?:[^"]|"")+"|[^\s;"]+)', re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`created` is local time of the host that took it, `zone` its abbreviation where the dump
    writes one. `database` is empty when the dump does not name it. `modified` is in seconds since
    the epoch. `compression` is an archive's own, inside."""

    path: Path
    shape: Shape
    size: int
    modified: float
    database: str
    server: str
    pg_dump: str
    created: datetime | None
    daylight: bool = False
    zone: str = ""
    compression: str = "none"
    version: tuple[int, int] | None = None

    @property
    def makes_database(self) -> bool:
        """The dump itself creates its database and connects to it."""
        return self.shape.form == "cluster" or (self.shape.form == "plain" and bool(self.database))


def look(path: Path) -> Look:
    """Raises RecoveryFailed with what `sniff` and `archive` find wrong."""
    shape = sniff.sniff(path)
    size, modified = _size(path)
    if not shape.is_archive:
        return _look_plain(path, shape, size, modified)
    header = _header_of(path, shape)
    return Look(
        path=path,
        shape=shape,
        size=size,
        modified=modified,
        database=header.database,
        server=header.server,
        pg_dump=header.pg_dump,
        created=header.created,
        daylight=header.daylight,
        compression=header.compression,
        version=header.version,
    )


def read_archive(path: Path, shape: Shape) -> tuple[Header, tuple[Entry, ...]]:
    """Header and table of contents. Raises RecoveryFailed."""
    with _reading(path, shape) as reader:
        header = archive.read_header(reader)
        custom = shape.form == "custom"
        return header, tuple(archive.read_entries(reader, header, custom=custom))


def _header_of(path: Path, shape: Shape) -> Header:
    with _reading(path, shape) as reader:
        return archive.read_header(reader)


@contextmanager
def _reading(path: Path, shape: Shape) -> Iterator[Reader]:
    """A reader at the archive's first byte."""
    if shape.form == "directory":
        try:
            with (path / sniff.TOC).open("rb") as file:
                yield Reader(file)
        except OSError as error:
            raise stream.unreadable(path / sniff.TOC, error) from error
        return
    source = stream.Unwrapped(stream.chunks(path, shape.wrapping))
    if shape.form == "tar":
        source.read(_TAR_BLOCK)
    yield Reader(source)


def _size(path: Path) -> tuple[int, float]:
    try:
        if not path.is_dir():
            status = path.stat()
            return status.st_size, status.st_mtime
        size = sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())
        return size, (path / sniff.TOC).stat().st_mtime
    except OSError as error:
        raise stream.unreadable(path, error) from error


def _look_plain(path: Path, shape: Shape, size: int, modified: float) -> Look:
    head = stream.head(path, shape.wrapping, _PLAIN_HEAD)
    started = _STARTED.search(head)
    creates = _CREATES.search(head) if shape.form == "plain" else None
    return Look(
        path=path,
        shape=shape,
        size=size,
        modified=modified,
        database=unquoted(creates[1].decode("utf-8", "replace")) if creates else "",
        server=_found(_FROM, head),
        pg_dump=_found(_BY, head),
        created=_moment(started[1].decode()) if started else None,
        zone=started[2].decode("ascii", "replace") if started else "",
    )


def encoding_of(seen: Look) -> str:
    """The encoding that a plain dump sets for itself, which is its database's."""
    match = _CLIENT.search(stream.head(seen.path, seen.shape.wrapping, _PLAIN_HEAD))
    return match[1].decode("ascii", "replace") if match else "UTF8"


def _found(pattern: re.Pattern[bytes], head: bytes) -> str:
    match = pattern.search(head)
    return match[1].decode("utf-8", "replace").strip() if match else ""


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def unquoted(identifier: str) -> str:
    """An identifier as SQL writes it, without its double quotes."""
    if identifier.startswith('"') and identifier.endswith('"') and len(identifier) > 1:
        return identifier[1:-1].replace('""', '"')
    return identifier


def major(version: str) -> int | None:
    """The major of a version text such as `15.18 (Debian ...)`, `9.6.24` or `17devel`."""
    match = re.match(r"\d+", version)
    return int(match[0]) if match else None
