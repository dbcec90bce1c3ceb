"""Is every object that the dump lists really there? Asked of the restored server's catalogues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.server import Connection, names, quoted

Structure = frozenset[tuple[str, str, str]]

KINDS = frozenset(
    {
        "TABLE",
        "VIEW",
        "MATERIALIZED VIEW",
        "SEQUENCE",
        "FOREIGN TABLE",
        "INDEX",
        "CONSTRAINT",
        "FK CONSTRAINT",
        "CHECK CONSTRAINT",
        "TRIGGER",
        "POLICY",
        "ROW SECURITY",
        "RULE",
        "DEFAULT",
        "INDEX ATTACH",
        "TABLE ATTACH",
        "FUNCTION",
        "PROCEDURE",
        "AGGREGATE",
        "TYPE",
        "DOMAIN",
        "STATISTICS",
        "SCHEMA",
        "EXTENSION",
        "EVENT TRIGGER",
    }
)

_LEFT_OUT = frozenset({"PUBLICATION", "PUBLICATION TABLE", "SUBSCRIPTION", "SECURITY LABEL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """`objects` are listed and not there; `invalid` are indexes that the server does not use."""

    objects: tuple[str, ...]
    invalid: tuple[str, ...]
    large_objects: tuple[int, int]


def structure_of(entries: Iterable[Entry]) -> Structure:
    """(kind, schema, name) of everything that is restored."""
    return frozenset((e.kind, e.schema, e.name) for e in entries if e.kind not in _LEFT_OUT)


def large_objects_of(entries: Iterable[Entry]) -> int:
    """An entry for each up to archive version 1.15; since then one for many, a line for each."""
    count = 0
    for entry in entries:
        if entry.kind == "BLOB":
            count += 1
        elif entry.kind == "BLOB METADATA":
            count += len(entry.definition.split())
    return count


def absent(connection: Connection, expected: Structure, large_objects: int) -> Absent:
    """What of `expected` the server does not have."""
    connection.execute("set search_path to pg_catalog")
    rows = connection.execute(_query().encode()).fetchall()
    there = {(row[0], row[1], row[2]) for row in rows}
    # 18 lists NOT NULL constraints, and older ones, under one kind.
    there |= {("CONSTRAINT", s, n) for kind, s, n in there if kind.endswith(" CONSTRAINT")}
    missing = sorted({key for key in expected if key[0] in KINDS} - there)
    counted = connection.execute("select count(*) from pg_largeobject_metadata").fetchone()
    invalid = names(
        connection,
        "select indexrelid::regclass::text from pg_index where not indisvalid or not indisready",
    )
    return Absent(
        objects=tuple(
            f"{kind} {schema}.{name}" if schema else f"{kind} {name}"
            for kind, schema, name in missing
        ),
        invalid=tuple(sorted(invalid)),
        large_objects=(large_objects, counted[0] if counted else 0),
    )


def as_there(connection: Connection, listed: Structure) -> Structure:
    """`listed` by a plain dump's comments, where a line break in a name is written as a blank, with
    the names that the server has."""
    rows = connection.execute(_query().encode()).fetchall()
    broken = {(_flat(s), _flat(n)): (s, n) for _, s, n in rows if _flat(s + n) != s + n}
    return frozenset((k, *broken.get((s, n), (s, n))) for k, s, n in listed)


def still_event_triggers(connection: Connection) -> int:
    """Disable the dump's event triggers, so that no session sets them off. Returns how many."""
    found = names(connection, "select evtname from pg_event_trigger where evtenabled <> 'D'")
    for name in found:
        connection.execute(f"alter event trigger {quoted(name)} disable".encode())
    return len(found)


def without_rows(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Tables whose definition is in the dump and whose rows were left out of it."""
    filled = {(e.schema, e.name) for e in entries if e.kind == "TABLE DATA"}
    return tuple(
        f"{e.schema}.{e.name}"
        for e in entries
        if e.kind == "TABLE"
        and (e.schema, e.name) not in filled
        and "\nPARTITION BY " not in e.definition
    )


def holds_no_rows(entries: Iterable[Entry]) -> bool:
    return not any(entry.kind == "TABLE DATA" for entry in entries)


def _flat(name: str) -> str:
    return name.replace("\n", " ").replace("\r", " ")


@lru_cache(maxsize=1)
def _query() -> str:
    return files("drillctl.restore.engines.pg_dump").joinpath("present.sql").read_text("utf-8")
