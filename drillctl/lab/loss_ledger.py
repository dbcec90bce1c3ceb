"""The loss ledger: every attempted and every acknowledged transfer, outside the database.

A text file, one fact a line, tab-separated; times are UTC microseconds and steady microseconds:

    drillctl/loss-ledger/v1  <run>  <seed>
    try      <number>  <idempotency key>  <currency>  <amount>  <wall>  <steady>
    acked    <number>  <wall>  <steady>       COMMIT returned
    refused  <number>  <wall>  <steady>       it cannot have been committed
    unknown  <number>  <wall>  <steady>       the connection was lost in COMMIT

`try` is with the operating system before anything is sent, an outcome before anyone is told, so a
SIGKILL loses neither. What a crash tears is the last line only, and a reader leaves that one out.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path

from drillctl.clock import Moment
from drillctl.errors import SandboxError
from drillctl.lab.payments import Payment

HEADER = "drillctl/loss-ledger/v1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Outcome(StrEnum):
    ACKED = "acked"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    number: int
    key: uuid.UUID
    currency: str
    amount: Decimal
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    number: int
    outcome: Outcome
    at: datetime


class LossLedger:
    """Append-only writer, safe to use from several threads. Raises OSError when the disk does."""

    def __init__(self, path: Path, *, run_id: str, seed: int) -> None:
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._fd = os.open(path, flags, 0o600)
        self._write(f"{HEADER}\t{run_id}\t{seed}\n")

    def tried(self, payments: Iterable[Payment], at: Moment) -> None:
        """Before the payments are sent."""
        stamp = _stamp(at)
        self._write(
            "".join(
                f"try\t{one.number}\t{one.key}\t{one.currency}\t{one.amount}\t{stamp}\n"
                for one in payments
            )
        )

    def ended(self, numbers: Iterable[int], outcome: Outcome, at: Moment) -> None:
        """After COMMIT returned, or failed."""
        stamp = _stamp(at)
        self._write("".join(f"{outcome}\t{number}\t{stamp}\n" for number in numbers))

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _write(self, text: str) -> None:
        data = memoryview(text.encode())
        with self._lock:
            if self._fd < 0:
                raise OSError("the loss ledger is closed")
            while data:
                data = data[os.write(self._fd, data) :]


def read_ledger(path: Path) -> Iterator[Attempt | Ending]:
    """Every whole line, in the order written. Raises SandboxError when one cannot be read."""
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    return
                fact = _parse(line, number)
                if fact is not None:
                    yield fact
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    except (ValueError, KeyError, InvalidOperation) as error:
        raise _unreadable(path, f"line {number} is not one of ours") from error


def _parse(line: bytes, number: int) -> Attempt | Ending | None:
    kind, *fields = line.decode().rstrip("\n").split("\t")
    if number == 1:
        if kind != HEADER:
            raise ValueError("no header")
        return None
    if kind == "try":
        numeral, key, currency, amount, wall, _ = fields
        return Attempt(
            number=int(numeral),
            key=uuid.UUID(key),
            currency=currency,
            amount=Decimal(amount),
            sent_at=_wall(wall),
        )
    numeral, wall, _ = fields
    return Ending(number=int(numeral), outcome=Outcome(kind), at=_wall(wall))


def _stamp(at: Moment) -> str:
    return f"{(at.wall - _EPOCH) // _MICROSECOND}\t{round(at.steady * 1_000_000)}"


def _wall(text: str) -> datetime:
    return _EPOCH + int(text) * _MICROSECOND


def _unreadable(path: Path, observed: str) -> SandboxError:
    return SandboxError(
        "lab.ledger_unreadable",
        f"the loss ledger {path.name} cannot be read",
        expected=f"a {HEADER} file",
        observed=observed,
        hint="what was lost cannot be counted for this run; bring the lab up anew",
    )
