"""A commented starter drill, written from a look into a dump. No row of it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drillctl.definition.units import format_size
from drillctl.restore.engines.pg_dump import choose, stream
from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.look import Look, major, read_archive
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.restore.engines.pg_dump.scan import Scan
from drillctl.restore.engines.pg_dump.server import OWN

_PLAIN_LIMIT = 64 << 20
_SHOWN = 12
_TIME_COLUMN = re.compile(r'^\s+("[^"]+"|[a-z_][a-z0-9_$]*) (?:timestamp|date\b)', re.M)
_TELLING = re.compile(r"creat|insert|updat|time|date|_at\b|_on\b")

_TEXT = """\
# A starter drill, written from a look into {label}:
{facts}
# `drillctl lint FILE` checks this file, `drillctl run FILE` runs it, and `drillctl schema drill`
# lists every key. Paths are relative to this file.
name: {name}
service: {service}
tier: 2                       # 1 = critical
owner: ""                     # who acts when the drill fails

objectives:
  rto: 15m                    # back in service within this time: from the alarm to checked data
{rpo}

restore:
  engine: pg_dump
  from: {source}
  select: latest              # or oldest, random, or the name of one dump
{options}
sandbox:
  provider: auto              # Docker where an engine answers, else processes of this machine
  # image: "postgres:{major}"      # what Docker runs; it must have the extensions of the source
  cpus: 2
  memory: 2GiB
  timeout: 1h                 # the sandbox is destroyed after this, whatever happens

validate:
  # Is everything there?
  - structure: {{reference: archive}}       # every object that the dump lists
  - row_counts: {{min_total: 1}}            # better: a minimum for each table that matters
{tables}
  # Does it hold together?
  - foreign_keys
  - sequences

  # Is it recent? The newest row must not be older than this when the data is lost.
{freshness}"""

_RPO = (
    "  rpo: 24h                    # at most this much is lost: not less than your backup interval"
)
_NO_RPO = """\
  # No rpo: this dump does not carry its time, so what is lost cannot be measured. A custom or
  # directory dump carries it; a plain one does with pg_dump --verbose.
  # rpo: 24h"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    look: Look
    label: str
    taken: datetime | None
    entries: tuple[Entry, ...]
    whole: bool
    databases: tuple[str, ...]


def starter_drill(dump: Path) -> str:
    """The text of a drill that restores `dump` (a dump, or a folder of dumps) and checks it.

    Raises RecoveryFailed when there is no dump, or it cannot be read.
    """
    seen = _see(dump)
    name = _slug(seen.look.database or dump.resolve().name)
    timed = seen.look.created is not None
    return _TEXT.format(
        label=_comment(seen.label),
        facts="\n".join(f"#   {line}" for line in _facts(seen)),
        name=f"{name}-restore",
        service=name,
        rpo=_RPO if timed else _NO_RPO,
        source=json.dumps(str(dump.absolute()), ensure_ascii=False),
        options="".join(f"  {line}\n" for line in _options(seen)),
        major=major(seen.look.server) or 17,
        tables="".join(f"  {line}\n" for line in _table_lines(seen)),
        freshness="".join(f"  # {line}\n" for line in _freshness(seen.entries)),
    )


def _see(dump: Path) -> Seen:
    choice = choose.choose(dump, "latest", Options(), datetime.now(UTC))
    chosen, look = choice.candidate, choice.candidate.look
    if look.shape.is_archive:
        _, entries = read_archive(look.path, look.shape)
        databases, whole = choice.databases, True
    else:
        scan = _scanned(look)
        databases = tuple(name for name in scan.entries if name not in ("", *OWN))
        names = databases[:1] or tuple(scan.entries)[:1]
        entries, whole = tuple(e for name in names for e in scan.entries[name]), scan.complete
    return Seen(
        look=look,
        label=chosen.label,
        taken=chosen.consistent_at,
        entries=entries,
        whole=whole,
        databases=databases,
    )


def _scanned(look: Look) -> Scan:
    """A plain dump's first 64 MiB."""
    scan = Scan(lambda wanted: None, cluster=look.shape.form == "cluster")
    size = 0

    def bounded() -> Iterator[bytes]:
        nonlocal size
        for chunk in stream.chunks(look.path, look.shape.wrapping):
            if size >= _PLAIN_LIMIT:
                return
            size += len(chunk)
            yield chunk

    for _ in scan.lines(bounded()):
        pass
    return scan


def _facts(seen: Seen) -> Iterator[str]:
    look = seen.look
    inside = f", {look.compression} inside" if look.compression != "none" else ""
    yield f"format    {look.shape}{inside}, {format_size(look.size)}"
    yield f"database  {_comment(look.database) or 'not named in the dump'}"
    versions = f"PostgreSQL {look.server or '?'}, dumped by pg_dump {look.pg_dump or '?'}"
    yield f"source    {_comment(versions)}"
    taken = seen.taken.isoformat() if seen.taken else "not known: the dump does not say"
    yield f"taken     {taken}"


def _options(seen: Seen) -> Iterator[str]:
    if seen.look.created is not None:
        yield "# timezone: Europe/Berlin   # of the host that takes the dump, unless it is UTC"
    yield "# globals: globals.sql      # of pg_dumpall --globals-only; beside the dump it is found"
    if len(seen.databases) > 1:
        named = json.dumps(seen.look.database or seen.databases[0], ensure_ascii=False)
        others = _comment(", ".join(seen.databases))
        yield f"database: {named}    # which one is checked; there are {others}"


def _table_lines(seen: Seen) -> Iterator[str]:
    tables = [_full_name(entry) for entry in seen.entries if entry.kind == "TABLE"]
    if not tables:
        return
    yield "# - row_counts:"
    yield "#     tables:"
    for name in tables[:_SHOWN]:
        yield f"#       {json.dumps(_comment(name), ensure_ascii=False)}: {{min: 1}}"
    rest = len(tables) - _SHOWN
    if rest > 0 or not seen.whole:
        more = f"and {rest} more tables" if rest > 0 else "and what else the dump holds"
        yield f"#       # {more}"


def _freshness(entries: Iterable[Entry]) -> Iterator[str]:
    table, column = "orders", "created_at"
    for entry in entries:
        names = _TIME_COLUMN.findall(entry.definition) if entry.kind == "TABLE" else []
        telling = [name for name in names if _TELLING.search(name)]
        if telling:
            table, column = _full_name(entry), telling[0].strip('"')
            break
    words = f"table: {json.dumps(table)}, column: {json.dumps(column)}, max_age: 24h"
    yield f"- freshness: {{{_comment(words)}}}"


def _full_name(entry: Entry) -> str:
    return entry.name if entry.schema == "public" else f"{entry.schema}.{entry.name}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-") or "database"


def _comment(text: str) -> str:
    """Text that may stand in a comment: one line, nothing that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
