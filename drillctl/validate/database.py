"""The restored database, for reading only: every session is a role that cannot write.

The role is no superuser, so a user's SQL that calls a function (`lo_unlink`, `pg_read_file`) is
refused by the server, whatever the SQL looks like. It may read every table past row policies, and
large objects as rows of `pg_largeobject`. Needs Postgres 14 or newer (`pg_read_all_data`).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import psycopg
from psycopg import sql

from drillctl.errors import SandboxError, UnsafeError
from drillctl.sandbox.contract import Endpoint
from drillctl.validate.contract import Connection

CONNECT_SECONDS = 10

# A startup option beats ALTER DATABASE ... SET of the restored database.
READING: dict[str, str] = {
    "default_transaction_read_only": "on",
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
    "row_security": "off",
    "jit": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}

# Only a superuser may set these, so they are pinned to the role, for this database.
_PINNED: dict[str, str] = {
    "zero_damaged_pages": "off",
    "ignore_checksum_failure": "off",
    "lo_compat_privileges": "off",
    "session_replication_role": "origin",
    "lc_messages": "C",
}
# A login trigger of the restored database would run its own code in every session of ours.
_PINNED_FROM_17: dict[str, str] = {"event_triggers": "off"}


class RestoredDatabase:
    """`dbname` on a server that a sandbox made. Safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, dbname: str) -> None:
        self._endpoint = endpoint
        self._dbname = dbname
        self._role = f"drillctl_checker_{secrets.token_hex(4)}"
        self._password = secrets.token_hex(24)
        self._prepared = False
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Make the reading role, once, as the superuser, without entering the restored database.

        Raises UnsafeError when the server is not the sandbox's own, SandboxError when it is too
        old, psycopg.Error when it does not answer.
        """
        with self._lock:
            if self._prepared:
                return
            with self._connect("template1", self._endpoint.user, self._endpoint.password, {}) as c:
                c.autocommit = True
                self._ask_back(c)
                if c.info.server_version < 140000:
                    raise SandboxError(
                        "sandbox.server_too_old",
                        "checks need a server with pg_read_all_data",
                        expected="PostgreSQL 14 or newer",
                        observed=f"PostgreSQL {c.info.server_version // 10000}",
                        hint="choose a newer image; a logical dump restores into a newer major",
                    )
                for statement in self._making_role(c):
                    c.execute(statement)
            self._prepared = True

    def session(
        self, settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Connection]:
        """A read-only session, with `settings` over the pinned ones; closed at the end.

        Raises UnsafeError when the sandbox's nonce does not come back, psycopg.OperationalError
        when the server does not answer.
        """
        return self._session(READING | dict(settings or {}))

    @contextmanager
    def _session(self, settings: Mapping[str, str]) -> Iterator[Connection]:
        self.prepare()
        connection = self._connect(self._dbname, self._role, self._password, settings)
        try:
            connection.read_only = True
            self._ask_back(connection)
            yield connection
        finally:
            connection.close()

    def _connect(
        self, dbname: str, user: str, password: str, settings: Mapping[str, str]
    ) -> Connection:
        return psycopg.connect(
            host=str(self._endpoint.socket_dir),
            # Empty, not absent: PGHOSTADDR or a service file would lead to another server.
            hostaddr="",
            port=self._endpoint.port,
            user=user,
            password=password,
            dbname=dbname,
            connect_timeout=CONNECT_SECONDS,
            application_name="drillctl",
            client_encoding="utf8",
            target_session_attrs="any",
            options=" ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items()),
        )

    def _ask_back(self, connection: Connection) -> None:
        row = connection.execute("show cluster_name").fetchone()
        connection.rollback()
        if row is None or row[0] != self._endpoint.nonce:
            raise UnsafeError(
                "the server that answered is not the sandbox's own",
                hint="nothing was read; another server listens on the sandbox's socket",
            )

    def _making_role(self, connection: Connection) -> Iterator[sql.Composed]:
        role, database = sql.Identifier(self._role), sql.Identifier(self._dbname)
        verifier = connection.pgconn.encrypt_password(
            self._password.encode(), self._role.encode(), b"scram-sha-256"
        )
        yield sql.SQL(
            "create role {} login nosuperuser nocreatedb nocreaterole noreplication bypassrls "
            "inherit connection limit -1 in role pg_read_all_data password {}"
        ).format(role, sql.Literal(verifier.decode()))
        yield sql.SQL("grant connect on database {} to {}").format(database, role)
        newer = _PINNED_FROM_17 if connection.info.server_version >= 170000 else {}
        for name, value in (_PINNED | newer).items():
            yield sql.SQL("alter role {} in database {} set {} = {}").format(
                role, database, sql.Identifier(name), sql.Literal(value)
            )


def _escaped(value: str) -> str:
    """A value in libpq's `options`, where a backslash keeps a space."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
