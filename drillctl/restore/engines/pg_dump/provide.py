"""What a plain dump needs, made beside it: extensions asked for, roles, databases, tablespaces."""

from __future__ import annotations

import re
from collections.abc import Iterable

from drillctl.restore.engines.pg_dump import outcome, roles, server
from drillctl.restore.engines.pg_dump.database import create_database
from drillctl.restore.engines.pg_dump.look import unquoted
from drillctl.restore.engines.pg_dump.scan import Wanted
from drillctl.sandbox.contract import Sandbox

_CREATE = re.compile(r'CREATE DATABASE ("(?:[^"]|"")+"|\S+) WITH (.*);')
_IN_PLACE = "set allow_in_place_tablespaces = on"


class Provider:
    """Called from the thread that feeds psql, before psql sees the lines that need something."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._roles: set[str] = set()
        self._tablespaces: set[str] = set()
        self.missing_roles: set[str] = set()
        self.refused: list[tuple[str, str]] = []
        self.tablespaces: set[str] = set()
        self.created_at: set[int] = set()
        self.not_tested: list[str] = []

    def __call__(self, wanted: Wanted) -> None:
        """Raises SandboxError when the server lacks an extension or went away."""
        named = (wanted.roles | roles.roles_in("\n".join(wanted.grants))) - self._roles
        spaces = wanted.tablespaces - self.tablespaces
        if not (named or wanted.extensions or wanted.databases or spaces):
            return
        with server.session(self._sandbox.endpoint) as connection:
            require_extensions(connection, wanted.extensions, self._sandbox)
            self._make_roles(connection, named)
            self._make_databases(connection, wanted.databases)
            self._make_tablespaces(connection, spaces)

    def _make_roles(self, connection: server.Connection, named: set[str]) -> None:
        self._roles |= named
        missing = named - roles.existing(connection)
        self.missing_roles |= missing
        self.refused += roles.make_stand_ins(connection, missing)

    def _make_databases(
        self, connection: server.Connection, statements: Iterable[tuple[int, str]]
    ) -> None:
        """Before psql does, with a locale that this server has; psql's own attempt then fails."""
        for line, statement in statements:
            match = _CREATE.match(statement)
            if match is None:
                continue
            self.created_at.add(line)
            name = unquoted(match[1])
            if name not in server.names(connection, "select datname from pg_catalog.pg_database"):
                self.not_tested += create_database(connection, name, match[2]).not_tested

    def _make_tablespaces(self, connection: server.Connection, spaces: set[str]) -> None:
        """Inside the data directory: the sandbox has no other disk."""
        self.tablespaces |= spaces
        there = server.names(connection, "select spcname from pg_catalog.pg_tablespace")
        for space in sorted(spaces - there):
            server.run(connection, _IN_PLACE)
            made = server.run(connection, f"create tablespace {server.quoted(space)} location ''")
            if made:
                self.refused.append((f"tablespace {space}", server.state_name(made)))


def require_extensions(
    connection: server.Connection, wanted: Iterable[str], sandbox: Sandbox
) -> None:
    """Raises SandboxError `sandbox.extension_missing`."""
    available = server.names(connection, "select name from pg_catalog.pg_available_extensions")
    missing = set(wanted) - available
    if missing:
        raise outcome.extensions_missing(sorted(missing), sandbox.major)
