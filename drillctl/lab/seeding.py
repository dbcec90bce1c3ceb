"""The first contents of the lab's database: the same for the same run, seed, accounts and epoch."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from itertools import chain, islice
from typing import Any

from psycopg import sql

from drillctl.clock import Clock
from drillctl.lab.loss_ledger import LossLedger, Outcome
from drillctl.lab.payments import Leg, Payment, Stream, key_of
from drillctl.lab.sessions import APP, DATABASE, OWNER, REPORT, Connection

HISTORY = timedelta(days=90)
_PER_ACCOUNT = 2
_BATCH = 2_000
_COUNTRIES = ("DE", "FR", "GB", "JP", "US")
_BALANCES = """
    UPDATE accounts a SET balance = CASE a.kind WHEN 'settlement' THEN e.total ELSE -e.total END
    FROM (SELECT account_id, sum(amount) AS total FROM entries GROUP BY account_id) e
    WHERE e.account_id = a.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """`next_number` is the first payment that traffic may send."""

    accounts: int
    transfers: int
    next_number: int


def make_database(connection: Connection) -> None:
    """Roles and the database, on an autocommit session of the superuser to any database."""
    for role in (OWNER, APP, REPORT):
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
            sql.Identifier(DATABASE), sql.Identifier(OWNER)
        )
    )


def seed(
    connection: Connection, stream: Stream, ledger: LossLedger, clock: Clock, epoch: datetime
) -> Seeded:
    """Schema, accounts and a history that ends at `epoch`, as the owner, in one transaction.

    The history's transfers are in the loss ledger too: a backup may not lose those either.
    """
    connection.execute(files("drillctl.lab").joinpath("schema.sql").read_bytes())
    for statement in _partitions(epoch):
        connection.execute(statement)
    opened = epoch - HISTORY
    _copy(
        connection,
        "accounts (id, kind, holder, currency, opened_at, profile)",
        _accounts(stream, opened),
    )
    openings = len(stream.chart.currencies)
    total = openings + _PER_ACCOUNT * stream.chart.size
    payments = chain(_openings(stream), map(stream.payment, range(openings + 1, total + 1)))
    while batch := list(islice(payments, _BATCH)):
        ledger.tried(batch, clock.now())
        _copy_batch(connection, batch, opened, HISTORY / (total + 1))
    connection.execute(_BALANCES)
    _copy_documents(connection, stream.seed)
    for numbering in _continue_numbering(total):
        connection.execute(numbering)
    connection.commit()
    ledger.ended(range(1, total + 1), Outcome.ACKED, clock.now())
    connection.execute("ANALYZE")
    connection.commit()
    return Seeded(accounts=stream.chart.size, transfers=total, next_number=total + 1)


def _partitions(epoch: datetime) -> Iterator[sql.Composed]:
    """Months from the first of the history to the one after next, and a default one."""
    month = (epoch - HISTORY).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= epoch + timedelta(days=62):
        following = (month + timedelta(days=32)).replace(day=1)
        yield sql.SQL("CREATE TABLE {} PARTITION OF entries FOR VALUES FROM ({}) TO ({})").format(
            sql.Identifier(f"entries_{month:%Y_%m}"), sql.Literal(month), sql.Literal(following)
        )
        month = following
    yield sql.SQL("CREATE TABLE {} PARTITION OF entries DEFAULT").format(
        sql.Identifier("entries_later")
    )


def _accounts(stream: Stream, opened: datetime) -> Iterator[tuple[Any, ...]]:
    rng = random.Random(f"{stream.seed}:accounts")  # noqa: S311 - fake people
    slots = sorted((id_, slot) for slot, ids in stream.chart.ids.items() for id_ in ids)
    for id_, (kind, currency) in slots:
        profile = {"country": rng.choice(_COUNTRIES), "score": rng.randint(0, 999)}
        yield id_, kind, f"{kind} {id_}", currency, opened, json.dumps(profile)


def _openings(stream: Stream) -> Iterator[Payment]:
    """One transfer in each currency gives every account its first balance, from settlement."""
    for number, currency in enumerate(stream.chart.currencies, start=1):
        rng = random.Random(f"{stream.seed}:{number}:opening")  # noqa: S311 - fake money
        legs = [
            Leg(account=id_, currency=currency, amount=-_first_balance(rng, kind))
            for kind in ("customer", "merchant", "fees", "exchange")
            for id_ in stream.chart.ids[kind, currency]
        ]
        total = -sum((leg.amount for leg in legs), Decimal(0))
        banks = stream.chart.ids["settlement", currency]
        share = (total / len(banks)).quantize(Decimal("0.01"))
        shares = [share] * (len(banks) - 1) + [total - share * (len(banks) - 1)]
        legs += [
            Leg(account=id_, currency=currency, amount=part)
            for id_, part in zip(banks, shares, strict=True)
        ]
        yield Payment(
            number=number,
            key=key_of(stream.run_id, stream.seed, number),
            kind="opening",
            currency=currency,
            amount=total,
            legs=tuple(legs),
        )


def _first_balance(rng: random.Random, kind: str) -> Decimal:
    cents = rng.randint(1_000_000, 9_000_000)
    return Decimal(cents * 1_000 if kind == "exchange" else cents).scaleb(-2)


def _copy_batch(
    connection: Connection, batch: list[Payment], opened: datetime, step: timedelta
) -> None:
    at = {payment.number: opened + step * payment.number for payment in batch}
    _copy(
        connection,
        "transfers (id, idempotency_key, kind, currency, amount, receipt, "
        "requested_at, created_at)",
        (
            (
                one.number,
                one.key,
                one.kind,
                one.currency,
                one.amount,
                100_000 + one.number,
                at[one.number],
                at[one.number],
            )
            for one in batch
        ),
    )
    _copy(
        connection,
        "entries (transfer_id, leg, account_id, currency, amount, posted_at)",
        (
            (one.number, number, leg.account, leg.currency, leg.amount, at[one.number])
            for one in batch
            for number, leg in enumerate(one.legs, start=1)
        ),
    )
    _copy(
        connection,
        "outbox (id, transfer_id, topic, payload, created_at, published_at)",
        (
            (
                one.number,
                one.number,
                f"transfer.{one.kind}",
                json.dumps(outbox_payload(one)),
                at[one.number],
                at[one.number],
            )
            for one in batch
        ),
    )


def outbox_payload(payment: Payment) -> dict[str, Any]:
    """What other services are told about a transfer."""
    return {
        "key": str(payment.key),
        "kind": payment.kind,
        "amount": {"currency": payment.currency, "value": str(payment.amount)},
        "legs": len(payment.legs),
    }


def _copy(connection: Connection, target: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _copy_documents(connection: Connection, seed_: int) -> None:
    """Two large objects of several pages each."""
    for title in ("terms of service", "scheme rules"):
        body = random.Random(f"{seed_}:{title}").randbytes(40_000)  # noqa: S311 - filler
        connection.execute(
            "INSERT INTO documents (title, body) VALUES (%s, lo_from_bytea(0, %s))", (title, body)
        )


def _continue_numbering(last: int) -> Iterator[str]:
    """Sequences go on after the rows that COPY numbered itself."""
    for table in ("accounts", "transfers", "outbox"):
        yield (
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
        )
    yield f"SELECT setval('receipt_numbers', {100_000 + last})"
