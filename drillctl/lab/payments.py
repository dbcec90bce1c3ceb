"""Who pays whom how much: a stream in which payment n is a pure function of (seed, n)."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

CENT = Decimal("0.01")
FEE = Decimal("0.015")
_NAMESPACE = uuid.UUID("5d0a7f0e-3c52-4f0c-9d8e-0b1f5a3f7a11")
# The internal accounts of a currency are hot: up to this many of each kind share the load.
_SHARDS = 16
_INTERNAL = ("settlement", "fees", "exchange")
_MIX = {"purchase": 50, "person": 20, "exchange": 10, "deposit": 15, "payout": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One entry. `amount` is signed: a debit is positive, a credit negative."""

    account: int
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One transfer with 2 to 4 legs that sum to zero in every currency."""

    number: int
    key: uuid.UUID
    kind: str
    currency: str
    amount: Decimal
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The chart of accounts: ids are 1 to `size`; `ids` lists them by (kind, currency)."""

    currencies: tuple[str, ...]
    size: int
    ids: Mapping[tuple[str, str], tuple[int, ...]]


def chart_of(size: int, currencies: tuple[str, ...]) -> Chart:
    """Lay out `size` accounts over `currencies`; four customers to a merchant.

    Raises ValueError when there are too few accounts for every currency to be paid in.
    """
    least = smallest_chart(len(currencies))
    if not currencies or size < least:
        raise ValueError(f"{len(currencies)} currencies need at least {least} accounts")
    shards = max(1, min(_SHARDS, size // (20 * len(currencies))))
    ids: dict[tuple[str, str], list[int]] = {}
    slots = [
        (kind, currency) for kind in _INTERNAL for currency in currencies for _ in range(shards)
    ]
    for number in range(size - len(slots)):
        round_, position = divmod(number, len(currencies))
        kind = "merchant" if round_ % 5 == 2 else "customer"
        slots.append((kind, currencies[position]))
    for account, slot in enumerate(slots, start=1):
        ids.setdefault(slot, []).append(account)
    return Chart(
        currencies=currencies, size=size, ids={slot: tuple(found) for slot, found in ids.items()}
    )


def smallest_chart(currencies: int) -> int:
    """Three internal accounts, two customers and a merchant in each currency."""
    return currencies * (len(_INTERNAL) + 3)


def balance_change(kind: str, amount: Decimal) -> Decimal:
    """What a signed entry does to the balance of an account of `kind`."""
    return amount if kind == "settlement" else -amount


def key_of(run_id: str, seed: int, number: int) -> uuid.UUID:
    """The idempotency key. With the run in it, another lab's backup is never taken for ours."""
    return uuid.uuid5(_NAMESPACE, f"{run_id}:{seed}:{number}")


class Stream:
    """Payments by number, for one run, seed and chart."""

    def __init__(self, run_id: str, seed: int, chart: Chart) -> None:
        self.run_id = run_id
        self.seed = seed
        self.chart = chart
        self._kind = {account: slot[0] for slot, ids in chart.ids.items() for account in ids}

    def kind_of(self, account: int) -> str:
        return self._kind[account]

    def payment(self, number: int) -> Payment:
        rng = random.Random(f"{self.seed}:{number}")  # noqa: S311 - traffic, not cryptography
        kind = rng.choices(tuple(_MIX), weights=tuple(_MIX.values()))[0]
        currency = rng.choice(self.chart.currencies)
        amount = Decimal(rng.randint(100, 25_000)) * CENT
        if kind == "exchange" and len(self.chart.currencies) == 1:
            kind = "person"
        legs = getattr(self, f"_{kind}")(rng, currency, amount)
        return Payment(
            number=number,
            key=key_of(self.run_id, self.seed, number),
            kind=kind,
            currency=currency,
            amount=amount,
            legs=legs,
        )

    def _pick(self, rng: random.Random, kind: str, currency: str) -> int:
        return rng.choice(self.chart.ids[kind, currency])

    def _purchase(self, rng: random.Random, currency: str, amount: Decimal) -> tuple[Leg, ...]:
        fee = max(CENT, (amount * FEE).quantize(CENT))
        return (
            Leg(account=self._pick(rng, "customer", currency), currency=currency, amount=amount),
            Leg(
                account=self._pick(rng, "merchant", currency),
                currency=currency,
                amount=fee - amount,
            ),
            Leg(account=self._pick(rng, "fees", currency), currency=currency, amount=-fee),
        )

    def _person(self, rng: random.Random, currency: str, amount: Decimal) -> tuple[Leg, ...]:
        payer, payee = rng.sample(self.chart.ids["customer", currency], 2)
        return _pair(payer, payee, currency, amount)

    def _deposit(self, rng: random.Random, currency: str, amount: Decimal) -> tuple[Leg, ...]:
        bank = self._pick(rng, "settlement", currency)
        return _pair(bank, self._pick(rng, "customer", currency), currency, amount)

    def _payout(self, rng: random.Random, currency: str, amount: Decimal) -> tuple[Leg, ...]:
        bank = self._pick(rng, "settlement", currency)
        return _pair(self._pick(rng, "merchant", currency), bank, currency, amount)

    def _exchange(self, rng: random.Random, currency: str, amount: Decimal) -> tuple[Leg, ...]:
        other = rng.choice([one for one in self.chart.currencies if one != currency])
        counter = (amount * rng.randint(5_000, 20_000) / 10_000).quantize(Decimal("0.0001"))
        payer, payee = self._pick(rng, "customer", currency), self._pick(rng, "merchant", other)
        desk, other_desk = (self._pick(rng, "exchange", one) for one in (currency, other))
        return _pair(payer, desk, currency, amount) + _pair(other_desk, payee, other, counter)


def _pair(debit: int, credit: int, currency: str, amount: Decimal) -> tuple[Leg, Leg]:
    return (
        Leg(account=debit, currency=currency, amount=amount),
        Leg(account=credit, currency=currency, amount=-amount),
    )
