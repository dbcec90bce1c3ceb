"""Roles by plan: from the globals where there are any, else stand-ins that cannot log in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.look import unquoted
from drillctl.restore.engines.pg_dump.server import Connection, names, quoted, run, state_name

_IDENT = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_GRANTEE = re.compile(
    rf" (?:TO|FROM) ({_IDENT})(?: WITH GRANT OPTION)?(?: GRANTED BY {_IDENT})?;\s*$", re.M
)
_FOR_ROLE = re.compile(rf"^ALTER DEFAULT PRIVILEGES FOR ROLE ({_IDENT})", re.M)
_AUTHORIZATION = re.compile(rf"\bAUTHORIZATION ({_IDENT})", re.M)
_POLICY = re.compile(
    rf"^CREATE POLICY {_IDENT} ON {_IDENT}(?:\.{_IDENT})?(?: AS \w+)?(?: FOR \w+)?"
    rf" TO ({_IDENT}(?:, {_IDENT})*)",
    re.M,
)
_OWNER = re.compile(rf"^ALTER .* OWNER TO ({_IDENT});\s*$", re.M)
_MAPPING = re.compile(rf"^CREATE USER MAPPING FOR ({_IDENT}) ", re.M)
_ALL = (_GRANTEE, _FOR_ROLE, _AUTHORIZATION, _OWNER, _MAPPING)
_ROLE_KINDS = ("ACL", "DEFAULT ACL", "POLICY", "SCHEMA", "USER MAPPING")

_MAKES = re.compile(rf"CREATE ROLE ({_IDENT});\s*$")
_CHANGES = re.compile(rf"ALTER ROLE ({_IDENT}) (WITH|SET|RESET) ")
_MEMBERSHIP = re.compile(rf"GRANT {_IDENT} TO {_IDENT}[^;']*;\s*$")
_COMMENT = re.compile(rf"COMMENT ON ROLE {_IDENT} IS ")
_PASSWORD = re.compile(r" PASSWORD '(?:[^']|'')*'")
_GRANTOR = re.compile(rf" GRANTED BY {_IDENT}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalsRun:
    """`failed` are (what, SQLSTATE) of statements the server refused."""

    roles: frozenset[str]
    failed: tuple[tuple[str, str], ...]
    tablespaces: int


def roles_in(statements: str) -> frozenset[str]:
    """Every role that DDL of a dump names: grantees, owners, policies, default privileges."""
    found = {match[1] for pattern in _ALL for match in pattern.finditer(statements)}
    for match in _POLICY.finditer(statements):
        found.update(re.findall(_IDENT, match[1]))
    return frozenset(unquoted(name) for name in found if name not in ("PUBLIC", "DEFAULT"))


def roles_of(entries: Iterable[Entry]) -> frozenset[str]:
    found: set[str] = set()
    for entry in entries:
        found.add(entry.owner)
        if entry.kind in _ROLE_KINDS:
            found |= roles_in(entry.definition)
    return frozenset(found - {""})


def existing(connection: Connection) -> frozenset[str]:
    return names(connection, "select rolname from pg_catalog.pg_roles")


def make_stand_ins(connection: Connection, wanted: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Roles that cannot log in. Returns (role, SQLSTATE) of those that the server refused."""
    answers = ((name, run(connection, f"create role {quoted(name)} nologin")) for name in wanted)
    return tuple((name, state) for name, state in answers if state not in ("", "42710"))


def restore_globals(connection: Connection, lines: Iterable[str], ourselves: str) -> GlobalsRun:
    """Roles, their settings and memberships, without passwords. `ourselves` stays as it is.

    Only these statements are run; tablespaces are left out (`tablespaces` counts them).
    """
    there = set(existing(connection))
    failed: list[tuple[str, str]] = []
    described: set[str] = set()
    tablespaces = 0
    for statement in _statements(lines):
        tablespaces += statement.startswith("CREATE TABLESPACE ")
        role = _role_of(statement)
        if role:
            described.add(role)
        if role == ourselves or (_MAKES.match(statement) and role in there):
            continue
        runnable = _runnable(statement)
        if runnable and (state := run(connection, runnable)):
            failed.append((f"role {role}" if role else "a role membership", state_name(state)))
    return GlobalsRun(roles=frozenset(described), failed=tuple(failed), tablespaces=tablespaces)


def _role_of(statement: str) -> str:
    match = _MAKES.match(statement) or _CHANGES.match(statement)
    return unquoted(match[1]) if match else ""


def _runnable(statement: str) -> str:
    """The statement as it may run here; empty when it may not."""
    if _MAKES.match(statement) or _COMMENT.match(statement):
        return statement
    if change := _CHANGES.match(statement):
        return _PASSWORD.sub("", statement) if change[2] == "WITH" else statement
    # Without the grantor: it need not have the same rights in an empty server.
    return _GRANTOR.sub("", statement) if _MEMBERSHIP.match(statement) else ""


def _statements(lines: Iterable[str]) -> Iterator[str]:
    """Whole statements: a comment on a role may go over several lines."""
    held = ""
    for line in lines:
        if not held and (not line.strip() or line.startswith(("--", "\\"))):
            continue
        held += line
        if line.rstrip().endswith(";") and held.count("'") % 2 == 0:
            yield held
            held = ""
