"""A plain dump read on its way into psql: what it makes, whose it is, and whether it is whole.

Rows are passed over at the speed of a search; only SQL is looked at. The bytes are not changed:
what the dump needs is made beside it before the lines that need it are handed on.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.look import unquoted

_BLOCK = 512 << 10
_TAIL = 2048
# Every byte that pg_dump and pg_dumpall write last; newer ones leave psql's restricted mode there.
_END = b"\n-- PostgreSQL database dump complete\n--\n\n"
_CLUSTER_END = b"\n-- PostgreSQL database cluster dump complete\n--\n\n"
_LEAVES = re.compile(rb"\\unrestrict \S+\n\n")
_RESTRICTED = re.compile(rb"^\\restrict \S+\r?$", re.M)

_SQL = re.compile(
    rb"^(?:"
    rb"(?P<copy>COPY .* FROM stdin;)"
    rb"|-- (?P<data>Data for )?Name: (?P<name>.*); Type: (?P<kind>.*); Schema: (?P<schema>.*);"
    rb" Owner: (?P<owner>[^\r\n]*)"
    rb"|CREATE EXTENSION (?:IF NOT EXISTS )?(?P<extension>\"(?:[^\"]|\"\")+\"|[\w$]+)"
    rb"|(?P<create>CREATE DATABASE .*;)"
    rb"|\\connect (?P<connect>[^\r\n]+)"
    rb"|SET default_tablespace = (?P<space>\"(?:[^\"]|\"\")+\"|[\w$]+);"
    rb"|(?P<grants>(?:GRANT|REVOKE|ALTER|CREATE POLICY|CREATE SCHEMA|CREATE USER MAPPING"
    rb"|SET SESSION AUTHORIZATION) [^\r\n]*)"
    rb"|(?P<partitioned>PARTITION BY )"
    rb"|(?P<large>SELECT pg_catalog\.lo_create\(')"
    rb")",
    re.M,
)


@dataclass(slots=True, kw_only=True)
class Wanted:
    """What a block of lines needs before psql reads it."""

    extensions: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    grants: list[str] = field(default_factory=list)
    databases: list[tuple[int, str]] = field(default_factory=list)
    tablespaces: set[str] = field(default_factory=set)


class Provide(Protocol):
    """Makes what is wanted; may raise to stop the dump."""

    def __call__(self, wanted: Wanted) -> None: ...


class Scan:
    """Pass a dump's chunks through `lines`; afterwards the rest is known.

    `entries` are by database; its key is empty before the first `\\connect`.
    """

    def __init__(self, provide: Provide, *, cluster: bool = False) -> None:
        self._provide = provide
        self._end = _CLUSTER_END if cluster else _END
        self._tail = b""
        self._in_copy = False
        self._lines = 0
        self._labels: list[tuple[int, str]] = []
        self.database = ""
        self.entries: dict[str, list[Entry]] = {}
        self.large_objects: dict[str, int] = {}
        self.inserts = False
        self._restricted = False

    @property
    def complete(self) -> bool:
        """The dump ends as pg_dump ends it, to the last byte, outside of any rows."""
        _, end, after = self._tail.replace(b"\r\n", b"\n").rpartition(self._end)
        if self._in_copy or not end:
            return False
        return not self._restricted or _LEAVES.match(after) is not None

    @property
    def first_entry_line(self) -> int:
        return self._labels[0][0] if self._labels else 1 << 62

    def label_at(self, line: int) -> str:
        """The object that psql's line number lies in."""
        at = bisect_right(self._labels, (line, "\U0010ffff"))
        return self._labels[at - 1][1] if at else "the dump's beginning"

    def lines(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        rest, in_line = b"", False
        for chunk in gathered(chunks):
            block = rest + chunk
            cut = block.rfind(b"\n") + 1
            if not cut:  # one line as long as a block: a row, or a literal
                rest, in_line = b"", True
                yield self._passed(block)
                continue
            start = block.find(b"\n") + 1 if in_line else 0
            self._look_at(block, start, cut)
            rest, in_line = block[cut:], False
            yield self._passed(block[:cut])
        if rest:
            yield self._passed(rest)

    def _passed(self, block: bytes) -> bytes:
        if not self._lines:
            self._restricted = self._end == _END and _RESTRICTED.search(block) is not None
        self._lines += block.count(b"\n")
        self._tail = (self._tail + block)[-_TAIL:] if len(block) < _TAIL else block[-_TAIL:]
        return block

    def _look_at(self, block: bytes, start: int, end: int) -> None:
        wanted = Wanted()
        at = start
        while at < end:
            if self._in_copy:
                at = self._skip_rows(block, at, end)
            else:
                at = self._read_sql(block, at, end, wanted)
        if wanted != Wanted():
            self._provide(wanted)

    def _skip_rows(self, block: bytes, at: int, end: int) -> int:
        """The place after the line `\\.`, or the end."""
        while True:
            # A row ends before the dot, or the rows end before the first one.
            stop = at if block.startswith(b"\\.", at) else block.find(b"\n\\.", at, end) + 1
            if not block.startswith(b"\\.", stop):
                return end
            if block.startswith((b"\n", b"\r\n"), stop + 2):
                self._in_copy = False
                return block.index(b"\n", stop) + 1
            at = stop + 2

    def _read_sql(self, block: bytes, at: int, end: int, wanted: Wanted) -> int:
        """The place after the next `COPY ... FROM stdin;`, or the end."""
        self.inserts = self.inserts or b"\nINSERT INTO " in block
        counted, line = at, self._lines + block.count(b"\n", 0, at) + 1
        for match in _SQL.finditer(block, at, end):
            if match["copy"]:
                self._in_copy = True
                return block.index(b"\n", match.end()) + 1
            line += block.count(b"\n", counted, match.start())
            counted = match.start()
            self._note(match, line, wanted)
        return end

    def _note(self, match: re.Match[bytes], line: int, wanted: Wanted) -> None:
        group = match.lastgroup or ""
        text = match[group].decode("utf-8", "replace")
        if group == "owner":
            self._add_entry(match, line, wanted)
        elif group == "extension":
            wanted.extensions.add(unquoted(text))
        elif group == "create":
            wanted.databases.append((line, text))
        elif group == "connect":
            self.database = connected_to(text)
        elif group == "space":
            wanted.tablespaces.add(unquoted(text))
        elif group == "grants":
            wanted.grants.append(text)
        elif group == "large":
            self.large_objects[self.database] = self.large_objects.get(self.database, 0) + 1
        elif ours := self.entries.get(self.database):
            ours[-1] = replace(ours[-1], definition="\nPARTITION BY ")

    def _add_entry(self, match: re.Match[bytes], line: int, wanted: Wanted) -> None:
        name, kind, schema, owner = (
            match[part].decode("utf-8", "replace") for part in ("name", "kind", "schema", "owner")
        )
        owner, _, tablespace = owner.partition("; Tablespace: ")
        entry = Entry(
            number=line,
            kind=kind,
            schema="" if schema == "-" else schema,
            name=name,
            owner="" if owner == "-" else owner,
            tablespace=tablespace,
        )
        self.entries.setdefault(self.database, []).append(entry)
        self._labels.append((line, str(entry)))
        if entry.owner:
            wanted.roles.add(entry.owner)


def connected_to(argument: str) -> str:
    """The database in `\\connect x`, quoted or not, or in its connection string."""
    inside = re.search(r"dbname='((?:[^'\\]|\\.)*)'", argument)
    if inside:
        return re.sub(r"\\(.)", r"\1", inside[1]).replace('""', '"')
    return unquoted(argument.strip())


def gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of at least a block, so that work per chunk does not count."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= _BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
