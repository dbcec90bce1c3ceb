"""The globals at the beginning of a pg_dumpall script: taken out of the stream and run by plan.

As they are they would set the passwords of production's roles, the sandbox's own superuser's
among them, and make tablespaces outside of the sandbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drillctl.errors import RecoveryFailed
from drillctl.restore.engines.pg_dump import roles, server
from drillctl.restore.engines.pg_dump.provide import Provider
from drillctl.sandbox.contract import Sandbox

_LIMIT = 64 << 20
_NEXT = (b"\n-- Databases\n", b"\n-- Database creation\n", b"\n\\connect template1")


def without_globals(
    chunks: Iterable[bytes], described: list[str], sandbox: Sandbox, provider: Provider
) -> Iterator[bytes]:
    """The chunks from the first database on, after the roles before it were made.

    Fills `described` with the roles. Raises RecoveryFailed when the first database never comes.
    """
    source = iter(chunks)
    held = b""
    at = -1
    for chunk in source:
        held = (held + chunk).replace(b"\r\n", b"\n")
        found = [place for mark in _NEXT if (place := held.find(mark)) >= 0]
        if found:
            at = min(found) + 1
            break
        if len(held) > _LIMIT:
            break
    if at < 0:
        raise RecoveryFailed(
            "restore.archive_truncated",
            "the dump ends among its roles, before the first database",
            hint="the dump was cut short: take a new one, and check how it was copied",
        )
    with server.session(sandbox.endpoint) as connection:
        lines = held[:at].decode("utf-8", "replace").splitlines(keepends=True)
        done = roles.restore_globals(connection, lines, sandbox.endpoint.user)
    described += sorted(done.roles)
    provider.refused += done.failed
    yield held[at:]
    yield from source
