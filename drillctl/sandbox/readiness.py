"""Waiting for a server that a sandbox started, and asking back how it runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping

import psycopg

from drillctl.clock import Deadline
from drillctl.errors import SandboxError
from drillctl.sandbox.contract import Endpoint


def connect(endpoint: Endpoint) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(endpoint.socket_dir),
        # An empty one keeps PGHOSTADDR of the environment from leading somewhere else.
        hostaddr="",
        port=endpoint.port,
        user=endpoint.user,
        password=endpoint.password,
        dbname="postgres",
        connect_timeout=5,
        autocommit=True,
        application_name="drillctl sandbox",
    )


def wait_until_ready(
    endpoint: Endpoint, ended: Callable[[], SandboxError | None], deadline: Deadline
) -> None:
    """Until the server answers a session. `ended` is asked between attempts: why the server is
    down, or None while it runs. Raises that error, or SandboxError at the deadline."""
    last, pause = "", 0.01
    while not deadline.passed:
        try:
            connect(endpoint).close()
        except psycopg.OperationalError as error:
            last = str(error).splitlines()[0]
        else:
            return
        if pause > 0.05 and (why := ended()) is not None:
            raise why
        time.sleep(pause)
        pause = min(0.25, pause * 1.5)
    raise SandboxError(
        "sandbox.server_slow",
        "the server did not answer in time",
        expected=f"an answer within {deadline.seconds:.0f}s",
        observed=last,
        hint="give the sandbox more time, memory or processors",
    )


def ask_back(endpoint: Endpoint, expected: Mapping[str, str]) -> None:
    """Raises SandboxError unless the running server says that each setting is as it must be."""
    with contextlib.closing(connect(endpoint)) as session:
        rows = session.execute(
            "select name, current_setting(name, true) from unnest(%s::text[]) as name",
            (list(expected),),
        ).fetchall()
    observed = {str(name): value for name, value in rows}
    wrong = sorted(name for name, value in expected.items() if observed.get(name) != value)
    if wrong:
        raise SandboxError(
            "sandbox.not_neutral",
            f"the server does not run with neutral settings: {', '.join(wrong)}",
            expected=", ".join(f"{name}={expected[name]!r}" for name in wrong),
            observed=", ".join(f"{name}={observed.get(name)!r}" for name in wrong),
            hint="nothing was restored; this server could act on production",
        )
