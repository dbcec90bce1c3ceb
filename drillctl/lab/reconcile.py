"""Acknowledged transfers against recovered ones: nothing lost or gained without being counted.

    acknowledged   = survived + lost
    recovered rows = survived + unacked_survived + duplicated + unknown

Both must hold exactly, with nothing duplicated, unknown or altered, or it does not reconcile. The
join is done in a private SQLite file that disappears by itself: memory stays flat.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from drillctl.errors import SandboxError
from drillctl.evidence.facts import Loss
from drillctl.lab.loss_ledger import Attempt, read_ledger

Recovered = tuple[uuid.UUID | str | None, str | None, Decimal | None]
"""Idempotency key, currency, amount of one recovered transfer; None where constraints were lost."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 5_000
_SCHEMA = """
    CREATE TABLE tried (number INTEGER PRIMARY KEY, key BLOB UNIQUE, currency TEXT, amount TEXT);
    CREATE TABLE ended (number INTEGER PRIMARY KEY, outcome TEXT, at INTEGER);
    CREATE TABLE recovered (key BLOB, currency TEXT, amount TEXT);
"""
_JOINED = """
    CREATE INDEX recovered_key ON recovered (key);
    CREATE TABLE joined AS
        SELECT t.currency, t.amount, e.outcome, e.at, count(r.key) AS copies,
            coalesce(sum(r.key IS NOT NULL AND (r.currency, r.amount) <> (t.currency, t.amount)), 0)
                AS altered
        FROM tried t LEFT JOIN ended e USING (number) LEFT JOIN recovered r ON r.key = t.key
        GROUP BY t.number;
"""
_COUNTS = """
    SELECT
        coalesce(sum(outcome = 'acked'), 0),
        coalesce(sum(outcome = 'acked' AND copies > 0), 0),
        coalesce(sum(outcome = 'acked' AND copies = 0), 0),
        coalesce(sum(outcome IS NOT 'acked' AND copies > 0), 0),
        coalesce(sum(outcome IS 'refused' AND copies > 0), 0),
        coalesce(sum(max(copies - 1, 0)), 0),
        coalesce(sum(altered), 0),
        min(CASE WHEN outcome = 'acked' AND copies = 0 THEN at END),
        max(CASE WHEN outcome = 'acked' AND copies > 0 THEN at END),
        max(CASE WHEN outcome = 'acked' THEN at END),
        (SELECT count(*) FROM recovered),
        (SELECT count(*) FROM recovered WHERE key NOT IN (SELECT key FROM tried))
    FROM joined
"""


def reconcile(ledger_file: Path, rows: Iterable[Recovered]) -> Loss:
    """Account for every write of the ledger and for every recovered row.

    A refused write that is there after all, or a survivor whose currency or amount is not what was
    acknowledged, is counted where it belongs and keeps `reconciles` False. Raises SandboxError when
    the ledger cannot be read or contradicts itself.
    """
    db = sqlite3.connect("")
    try:
        db.executescript(_SCHEMA)
        _load_ledger(db, ledger_file)
        db.executemany("INSERT INTO recovered VALUES (?, ?, ?)", map(_recovered, rows))
        db.executescript(_JOINED)
        return _loss(db)
    finally:
        db.close()


def recovered_transfers(
    connection: psycopg.Connection[tuple[Any, ...]],
) -> Iterator[Recovered]:
    """Every transfer of a restored lab database, streamed through a server-side cursor."""
    with connection.cursor(name="recovered_transfers") as cursor:
        cursor.itersize = _BATCH
        cursor.execute("SELECT idempotency_key, currency::text, amount FROM public.transfers")
        yield from cursor


def _load_ledger(db: sqlite3.Connection, ledger_file: Path) -> None:
    tries: list[tuple[Any, ...]] = []
    endings: list[tuple[Any, ...]] = []

    def flush() -> None:
        db.executemany("INSERT INTO tried VALUES (?, ?, ?, ?)", tries)
        db.executemany("INSERT INTO ended VALUES (?, ?, ?)", endings)
        tries.clear()
        endings.clear()

    try:
        for fact in read_ledger(ledger_file):
            if isinstance(fact, Attempt):
                tries.append((fact.number, fact.key.bytes, fact.currency, _plain(fact.amount)))
            else:
                at = (fact.at - _EPOCH) // timedelta(microseconds=1)
                endings.append((fact.number, str(fact.outcome), at))
            if len(tries) + len(endings) >= _BATCH:
                flush()
        flush()
        stray = "SELECT count(*) FROM ended WHERE number NOT IN (SELECT number FROM tried)"
        if db.execute(stray).fetchone()[0]:
            raise sqlite3.IntegrityError("an outcome without an attempt")
    except sqlite3.IntegrityError as error:
        raise SandboxError(
            "lab.ledger_contradicts_itself",
            "the loss ledger tells one transfer twice, or an outcome without its attempt",
            observed=str(error),
            hint="what was lost cannot be counted for this run; bring the lab up anew",
        ) from error


def _recovered(row: Recovered) -> tuple[bytes, str, str]:
    """A value that is missing from a row matches nothing, so that the row still counts."""
    key, currency, amount = row
    if isinstance(key, str):
        key = uuid.UUID(key)
    return key.bytes if key else b"", currency or "", _plain(amount) if amount is not None else ""


def _plain(amount: Decimal) -> str:
    """1.50 and 1.5000 are the same amount."""
    return format(amount.normalize(), "f")


def _loss(db: sqlite3.Connection) -> Loss:
    (acked, survived, lost, unacked, refused, copies, altered, *rest) = db.execute(
        _COUNTS
    ).fetchone()
    first_lost, last_survived, last_acked, recovered, unknown = rest
    return Loss(
        acknowledged=acked,
        survived=survived,
        lost=lost,
        unacked_survived=unacked,
        duplicated=copies,
        unknown=unknown,
        altered=altered,
        lost_amounts=_lost_amounts(db),
        first_lost_at=_at(first_lost),
        last_survived_at=_at(last_survived),
        last_acknowledged_at=_at(last_acked),
        recovered_rows=recovered,
        reconciles=acked == survived + lost
        and recovered == survived + unacked + copies + unknown
        and not (copies or unknown or altered or refused),
    )


def _lost_amounts(db: sqlite3.Connection) -> dict[str, Decimal]:
    """Summed as decimals here: SQLite would add them as floating point."""
    sums: dict[str, Decimal] = {}
    lost = "SELECT currency, amount FROM joined WHERE outcome = 'acked' AND copies = 0"
    for currency, amount in db.execute(lost):
        sums[currency] = sums.get(currency, Decimal(0)) + Decimal(amount)
    return dict(sorted(sums.items()))


def _at(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)
