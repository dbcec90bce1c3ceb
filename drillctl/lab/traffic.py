"""Payments on a fixed schedule: payment i is due at start + i / rate, whatever the server does.

A slow server makes payments late, it does not make fewer of them due (no coordinated omission).
Each payment is one transaction: transfer, entries, outbox row, balances.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from drillctl.clock import Clock, Moment
from drillctl.lab.loss_ledger import LossLedger, Outcome
from drillctl.lab.payments import Payment, Stream, balance_change
from drillctl.lab.seeding import outbox_payload
from drillctl.lab.sessions import Connection

_POST = """
    WITH posted AS (
        INSERT INTO transfers (idempotency_key, kind, currency, amount, requested_at)
        VALUES (%s, %s, %s, %s, %s) RETURNING id, created_at
    ), booked AS (
        INSERT INTO entries (transfer_id, leg, account_id, currency, amount, posted_at)
        SELECT posted.id, legs.leg, legs.account, legs.currency, legs.amount, posted.created_at
        FROM posted, unnest(%s::bigint[], %s::text[], %s::numeric[])
            WITH ORDINALITY AS legs (account, currency, amount, leg)
    )
    INSERT INTO outbox (transfer_id, topic, payload) SELECT posted.id, %s, %s::jsonb FROM posted
"""
_MOVE = "UPDATE accounts SET balance = balance + %s WHERE id = %s"
_RETRY_SECONDS = 0.02


@dataclass(slots=True)
class Tally:
    """Counts so far; `late_seconds` is the worst that a payment was sent after it was due."""

    attempted: int = 0
    late_seconds: float = 0.0
    last_acked_at: datetime | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)


class Traffic:
    """`clients` threads, each with its own connection, from `start` to `stop`.

    `crashed` names what ended the traffic from inside, such as a loss ledger that cannot be
    written: without it nothing may be sent.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Connection],
        stream: Stream,
        ledger: LossLedger,
        clock: Clock,
        rate: float,
        clients: int,
        first: int,
    ) -> None:
        self._connect, self._stream, self._ledger, self._clock = connect, stream, ledger, clock
        self._rate, self._first, self._sent = rate, first, 0
        self._began = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._tally = Tally()
        self.crashed: str | None = None
        self._threads = [
            threading.Thread(target=self._client, name=f"client-{n}", daemon=True)
            for n in range(clients)
        ]

    def start(self) -> None:
        self._began = self._clock.now().steady
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float) -> bool:
        """End after the payments in flight. False when a client still hangs after `timeout` s."""
        self._stop.set()
        until = self._clock.now().steady + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - self._clock.now().steady))
        return not any(thread.is_alive() for thread in self._threads)

    def tally(self) -> Tally:
        """A copy of the counts, consistent among themselves."""
        with self._lock:
            now = self._tally
            return Tally(
                attempted=now.attempted,
                late_seconds=now.late_seconds,
                last_acked_at=now.last_acked_at,
                outcomes=Counter(now.outcomes),
                refusals=Counter(now.refusals),
            )

    def _client(self) -> None:
        connection: Connection | None = None
        try:
            while (number := self._next_due()) is not None:
                connection = self._pay(connection, self._stream.payment(number))
        except Exception as error:
            self.crashed = f"{type(error).__name__}"
            self._stop.set()
        finally:
            if connection is not None:
                connection.close()

    def _next_due(self) -> int | None:
        """Take the next payment and wait until it is due. None when traffic stops."""
        with self._lock:
            position = self._sent
            self._sent += 1
        due = self._began + position / self._rate
        now = self._clock.now().steady
        if self._stop.wait(max(0.0, due - now)):
            return None
        with self._lock:
            self._tally.late_seconds = max(self._tally.late_seconds, now - due)
        return self._first + position

    def _pay(self, connection: Connection | None, payment: Payment) -> Connection | None:
        sent = self._clock.now()
        self._ledger.tried((payment,), sent)
        outcome, reason = Outcome.REFUSED, ""
        try:
            if connection is None or connection.closed:
                connection = self._connect()
            self._send(connection, payment, sent)
            outcome, reason = _commit(connection)
        except psycopg.Error as error:
            reason = error.sqlstate or "connection"
            connection = _after_refusal(connection)
        ended = self._clock.now()
        self._ledger.ended((payment.number,), outcome, ended)
        self._count(outcome, reason, ended)
        if connection is None:
            self._stop.wait(_RETRY_SECONDS)
        return connection

    def _count(self, outcome: Outcome, reason: str, ended: Moment) -> None:
        with self._lock:
            self._tally.attempted += 1
            self._tally.outcomes[outcome] += 1
            if outcome is Outcome.ACKED:
                self._tally.last_acked_at = ended.wall
            else:
                self._tally.refusals[reason] += 1

    def _send(self, connection: Connection, payment: Payment, sent: Moment) -> None:
        """All but the commit, in one round trip. Raises psycopg.Error: nothing is committed."""
        legs = payment.legs
        with connection.pipeline():
            connection.execute(
                _POST,
                (
                    payment.key,
                    payment.kind,
                    payment.currency,
                    payment.amount,
                    sent.wall,
                    [leg.account for leg in legs],
                    [leg.currency for leg in legs],
                    [leg.amount for leg in legs],
                    f"transfer.{payment.kind}",
                    json.dumps(outbox_payload(payment)),
                ),
            )
            # In the order of ids: two payments between the same accounts never deadlock.
            for leg in sorted(legs, key=lambda leg: leg.account):
                change = balance_change(self._stream.kind_of(leg.account), leg.amount)
                connection.execute(_MOVE, (change, leg.account))


def _commit(connection: Connection) -> tuple[Outcome, str]:
    """A COMMIT that the server refused is refused; one whose answer never came is unknown."""
    try:
        connection.commit()
    except psycopg.Error as error:
        if connection.closed:
            return Outcome.UNKNOWN, error.sqlstate or "connection"
        connection.rollback()
        return Outcome.REFUSED, error.sqlstate or "commit"
    return Outcome.ACKED, ""


def _after_refusal(connection: Connection | None) -> Connection | None:
    """The connection, ready for the next payment; None when there is none to go on with."""
    if connection is None or connection.closed:
        return None
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()
        return None
    return connection
