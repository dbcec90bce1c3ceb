"""The head of a pg_dump archive, read here: header and table of contents, versions 1.10 to 1.16.

The layout follows PostgreSQL's `pg_backup_archiver.c` (`ReadHead`, `ReadToc`). Every read is
bounded, and nothing of the data is read. The table of contents carries no checksum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from drillctl.errors import RecoveryFailed

MAGIC = b"PGDMP"
OLDEST, NEWEST = (1, 10), (1, 16)

_FORMATS = {1: "custom", 3: "tar", 5: "directory"}
_COMPRESSIONS = {0: "none", 1: "gzip", 2: "lz4", 3: "zstd"}
_STRING_LIMIT = 256 << 20
_ENTRY_LIMIT = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`created` is local time of the host that took the dump, without a zone; None when absurd.

    `daylight` is that host's word on summer time. `pg_dump` and `server` are version texts.
    """

    version: tuple[int, int]
    format: str
    compression: str
    created: datetime | None
    daylight: bool
    database: str
    server: str
    pg_dump: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a table of contents. `kind` is pg_dump's own word (`TABLE`, `FK CONSTRAINT`).

    `name` is its tag: a constraint's is `table constraint`. `place` is a byte offset in a custom
    archive (-1 when unknown), or a file name in a directory or tar.
    """

    number: int
    kind: str
    schema: str
    name: str
    owner: str
    definition: str = ""
    tablespace: str = ""
    has_data: bool = False
    place: int | str = -1

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.schema}.{self.name}" if self.schema else f"{self.kind} {self.name}"
        )


class Source(Protocol):
    def read(self, count: int, /) -> bytes: ...


class Reader:
    """Numbers and strings of an archive, little end first."""

    def __init__(self, stream: Source) -> None:
        self._stream = stream
        self.int_size = 4
        self.offset_size = 8

    def take(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise RecoveryFailed(
                "restore.archive_truncated",
                "the archive ends inside its table of contents",
                hint="the dump was cut short: take a new one, and check how it was copied",
            )
        return data

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        sign = self.byte()
        value = int.from_bytes(self.take(self.int_size), "little")
        return -value if sign else value

    def text(self) -> str:
        """A string; empty for none."""
        length = self.number()
        if length > _STRING_LIMIT:
            raise corrupt(f"a string of {length} bytes")
        return self.take(length).decode("utf-8", "replace") if length > 0 else ""

    def strings(self) -> Iterator[str]:
        """Strings up to the one that is missing."""
        while (length := self.number()) >= 0:
            if length > _STRING_LIMIT:
                raise corrupt(f"a string of {length} bytes")
            yield self.take(length).decode("utf-8", "replace")

    def offset(self) -> int:
        known = self.byte()
        value = int.from_bytes(self.take(self.offset_size), "little")
        return value if known == 2 else -1


def corrupt(observed: str) -> RecoveryFailed:
    return RecoveryFailed(
        "restore.archive_corrupt",
        "the archive's table of contents does not make sense",
        observed=observed,
        hint="the file is damaged: compare it with the copy where it was taken",
    )


def read_header(reader: Reader) -> Header:
    """Raises RecoveryFailed: `restore.not_a_dump`, `.newer_archive`, `.archive_corrupt`."""
    if reader.take(5) != MAGIC:
        raise RecoveryFailed("restore.not_a_dump", "the file is not a pg_dump archive")
    version = (reader.byte(), reader.byte())
    reader.byte()  # revision
    if version < OLDEST or version[0] != 1:
        raise corrupt(f"archive version {version[0]}.{version[1]}")
    reader.int_size, reader.offset_size = reader.byte(), reader.byte()
    if not (1 <= reader.int_size <= 8 and 1 <= reader.offset_size <= 8):
        raise corrupt(f"integers of {reader.int_size}, offsets of {reader.offset_size} bytes")
    kind = reader.byte()
    if version > NEWEST:
        raise RecoveryFailed(
            "restore.newer_archive",
            f"the archive has version {version[0]}.{version[1]}, newer than drillctl knows",
            expected=f"version {NEWEST[0]}.{NEWEST[1]} or older",
            hint="use a newer drillctl, or take the dump with an older pg_dump",
        )
    compression = _compression(reader, version)
    created, daylight = _created(reader)
    return Header(
        version=version,
        format=_FORMATS.get(kind, "unknown"),
        compression=compression,
        created=created,
        daylight=daylight,
        database=reader.text(),
        server=reader.text(),
        pg_dump=reader.text(),
    )


def _compression(reader: Reader, version: tuple[int, int]) -> str:
    if version >= (1, 15):
        return _COMPRESSIONS.get(reader.byte(), "unknown")
    return "gzip" if reader.number() != 0 else "none"


def _created(reader: Reader) -> tuple[datetime | None, bool]:
    """The fields of a C `struct tm`."""
    second, minute, hour, day, month, year, daylight = (reader.number() for _ in range(7))
    try:
        moment = datetime(year + 1900, month + 1, day, hour, minute, min(second, 59))
    except (ValueError, OverflowError):
        return None, False
    return moment, daylight > 0


def read_entries(reader: Reader, header: Header, *, custom: bool) -> Iterator[Entry]:
    """The table of contents, which follows the header. `custom` archives note byte offsets."""
    count = reader.number()
    if not 0 <= count <= _ENTRY_LIMIT:
        raise corrupt(f"{count} entries")
    for _ in range(count):
        yield _entry(reader, header, custom)


def _entry(reader: Reader, header: Header, custom: bool) -> Entry:
    number, has_data = reader.number(), reader.number() != 0
    reader.text(), reader.text()  # catalogue oids
    name, kind = reader.text(), reader.text()
    if header.version >= (1, 11):
        reader.number()  # section
    definition = reader.text()
    reader.text(), reader.text()  # how to drop it, how to copy it
    schema, tablespace = reader.text(), reader.text()
    if header.version >= (1, 14):
        reader.text()  # table access method
    if header.version >= (1, 16):
        reader.number()  # relkind
    owner = reader.text()
    reader.text()  # WITH OIDS
    for _ in reader.strings():  # dependencies
        pass
    place = reader.offset() if custom else reader.text()
    return Entry(
        number=number,
        kind=kind,
        schema=schema,
        name=name,
        owner=owner,
        definition=definition,
        tablespace=tablespace,
        has_data=has_data,
        place=place,
    )
