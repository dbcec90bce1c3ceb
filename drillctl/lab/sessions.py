"""Connections to the lab's own primary, each of which asks the sandbox's nonce back."""

from __future__ import annotations

from typing import Any

import psycopg

from drillctl.errors import SandboxError
from drillctl.sandbox.contract import Endpoint

DATABASE = "ledger"
OWNER = "ledger_owner"
APP = "ledger_app"
REPORT = "ledger_report"

Connection = psycopg.Connection[tuple[Any, ...]]


def connect(
    endpoint: Endpoint,
    *,
    database: str = DATABASE,
    role: str | None = None,
    timeout_seconds: float = 10.0,
) -> Connection:
    """A session of the lab's own, acting as `role` when one is given; no autocommit.

    Raises psycopg.OperationalError when nobody answers, SandboxError when somebody else does.
    """
    options = [f"-c statement_timeout={int(timeout_seconds * 1000)}", "-c timezone=UTC"]
    if role is not None:
        options.append(f"-c role={role}")
    connection: Connection = psycopg.connect(
        host=str(endpoint.socket_dir),
        # An empty one keeps PGHOSTADDR of the environment from leading somewhere else.
        hostaddr="",
        port=endpoint.port,
        user=endpoint.user,
        password=endpoint.password,
        dbname=database,
        connect_timeout=3,
        application_name="drillctl-lab",
        options=" ".join(options),
        prepare_threshold=1,
    )
    try:
        _insist_on(connection, endpoint.nonce)
    except BaseException:
        connection.close()
        raise
    return connection


def _insist_on(connection: Connection, nonce: str) -> None:
    row = connection.execute("SHOW cluster_name").fetchone()
    connection.rollback()
    if row is None or row[0] != nonce:
        raise SandboxError(
            "lab.wrong_server",
            "the server that answered is not the lab's own primary",
            hint="another server sits on the lab's socket; bring the lab up in a fresh folder",
        )
