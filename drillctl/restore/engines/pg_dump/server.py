"""Sessions with the sandbox's own server, as its superuser, for what a dump needs beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from drillctl.errors import SandboxError, UnsafeError
from drillctl.sandbox.contract import Endpoint

Connection = psycopg.Connection[tuple[Any, ...]]
MAINTENANCE = "postgres"
OWN = ("postgres", "template1", "template0")
_CONNECT_SECONDS = 10
# Startup options beat what the restored database was told by ALTER DATABASE ... SET. A login or
# event trigger of the restored database must not run in a session of ours.
_OPTIONS = (
    "-c session_replication_role=replica -c default_transaction_read_only=off -c TimeZone=UTC"
)


@contextmanager
def session(endpoint: Endpoint, database: str = MAINTENANCE, seconds: float = 300) -> Iterator[Connection]:  # fmt: skip # noqa: E501
    """An autocommitting session that asked the sandbox's nonce back.

    `seconds` limits each statement. Raises SandboxError when the server does not answer,
    UnsafeError when another server does.
    """
    try:
        connection = psycopg.connect(
            host=str(endpoint.socket_dir),
            hostaddr="",
            port=endpoint.port,
            user=endpoint.user,
            password=endpoint.password,
            dbname=database,
            connect_timeout=_CONNECT_SECONDS,
            application_name="drillctl",
            client_encoding="utf8",
            autocommit=True,
            options=f"{_OPTIONS} -c statement_timeout={int(seconds * 1000)}",
        )
    except psycopg.OperationalError as error:
        raise SandboxError(
            "sandbox.server_gone",
            "the sandbox's server does not answer",
            observed=f"connecting to database {database!r} failed",
            hint="see the sandbox's log; run the drill again",
        ) from error
    with connection:
        row = connection.execute("show cluster_name").fetchone()
        if row is None or row[0] != endpoint.nonce:
            raise UnsafeError(
                "the server that answered is not the sandbox's own",
                hint="nothing was restored; another server listens on the sandbox's socket",
            )
        yield connection


def names(connection: Connection, query: str) -> frozenset[str]:
    """The first column of a catalogue query."""
    return frozenset(str(row[0]) for row in connection.execute(query.encode()).fetchall())


def run(connection: Connection, statement: str) -> str:
    """Run one statement of the dump's; empty, or the SQLSTATE it failed with."""
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        if connection.closed:
            raise SandboxError(
                "sandbox.server_gone", "the sandbox's server went away", hint="see its log"
            ) from error
        return error.sqlstate or "XX000"
    return ""


def state_name(sqlstate: str) -> str:
    """`42P01` -> `42P01 undefined table`: what happened, without a word of the data."""
    try:
        words = psycopg.errors.lookup(sqlstate).__name__
    except KeyError:
        return sqlstate
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in words)
    return f"{sqlstate}{spaced}"


def quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)
