"""The database to restore into, as like the source's as this server can make it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drillctl.errors import SandboxError
from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.server import Connection, names, quoted, run, state_name

_ENCODING = re.compile(r"ENCODING = '([^']*)'")
_LOCALES = re.compile(r"(?:LOCALE|LC_COLLATE|LC_CTYPE|ICU_LOCALE|BUILTIN_LOCALE) = '([^']*)'")
_TABLESPACE = re.compile(r" TABLESPACE = (?:\"(?:[^\"]|\"\")+\"|\S+?)(?=[ ;]|$)")
_OWNER = re.compile(r" OWNER = (?:\"(?:[^\"]|\"\")+\"|\S+?)(?=[ ;]|$)")
_UNSAFE = ("preload_libraries", "archive_", "primary_conninfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """`name` may differ from the source's when that is taken by the server itself."""

    name: str
    not_tested: tuple[str, ...]


def create_database(connection: Connection, wanted: str, clauses: str) -> Made:
    """Create `wanted` with `clauses`, which follow WITH in the dump's own CREATE DATABASE.

    Falls back to a locale that every server has, and says so. Raises SandboxError when even that
    is refused.
    """
    name, number = wanted, 1
    # A dump of `postgres` meets one that is there; the longest of names could not be lengthened.
    while name in names(connection, "select datname from pg_catalog.pg_database"):
        number += 1
        name = f"restored_{number}"
    clauses = _OWNER.sub("", _TABLESPACE.sub("", clauses)).strip().rstrip(";")
    state = run(connection, f"create database {quoted(name)} with {clauses}")
    if not state:
        return Made(name=name, not_tested=())
    encoding = _ENCODING.search(clauses)
    encoded = f"encoding = '{encoding[1]}'" if encoding else ""
    for locale in ("C.UTF-8", "C"):
        plain = f"create database {quoted(name)} template template0 locale '{locale}' {encoded}"
        if not run(connection, plain):
            wished = ", ".join(sorted(set(_LOCALES.findall(clauses)))) or "the source's locale"
            line = f"sorting and comparing text by {wished}: the sandbox lacks it and used {locale}"
            return Made(name=name, not_tested=(line,))
    raise SandboxError(
        "sandbox.database_refused",
        "the sandbox's server cannot create a database like the dump's",
        expected=clauses[:200],
        observed=state_name(state),
        hint="use an image with the source's encodings and locales",
    )


def clauses_of(entries: Sequence[Entry]) -> str:
    """What follows WITH in the archive's CREATE DATABASE."""
    for entry in entries:
        if entry.kind == "DATABASE":
            _, found, clauses = entry.definition.strip().partition(" WITH ")
            return clauses if found else "TEMPLATE = template0"
    return "TEMPLATE = template0"


def apply_properties(
    connection: Connection, entries: Iterable[Entry], source: str
) -> tuple[tuple[str, str], ...]:
    """The database's own owner, settings and grants, which pg_restore gives only when it creates
    the database itself. Returns (what, SQLSTATE) of what the server refused."""
    failed = []
    for statement in _properties(entries, source):
        if state := run(connection, statement):
            failed.append((f"settings of database {source}", state_name(state)))
    return tuple(failed)


def _properties(entries: Iterable[Entry], source: str) -> Iterable[str]:
    for entry in entries:
        about = entry.kind == "ACL" and not entry.schema and entry.name == f"DATABASE {source}"
        if entry.kind == "DATABASE" and entry.owner:
            yield f"alter database {quoted(source)} owner to {quoted(entry.owner)}"
        elif entry.kind == "DATABASE PROPERTIES" or about:
            for line in entry.definition.split(";\n"):
                if line.strip() and not any(word in line for word in _UNSAFE):
                    yield line
