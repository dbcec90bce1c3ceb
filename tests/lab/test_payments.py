"""The stream of payments: the same for the same seed, and balanced whatever the seed."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from drillctl.lab.payments import Chart, Payment, Stream, chart_of, smallest_chart

CURRENCIES = ("EUR", "USD", "GBP")


def _payments(run_id: str, seed: int, chart: Chart) -> list[Payment]:
    stream = Stream(run_id, seed, chart)
    return [stream.payment(number) for number in range(1, 400)]


def test_the_same_seed_pays_the_same() -> None:
    chart = chart_of(60, CURRENCIES)
    assert _payments("a", 7, chart) == _payments("a", 7, chart)
    assert _payments("a", 7, chart) != _payments("a", 8, chart)


def test_another_run_pays_the_same_under_other_keys() -> None:
    chart = chart_of(60, CURRENCIES)
    ours, theirs = _payments("a", 7, chart), _payments("b", 7, chart)
    assert [one.legs for one in ours] == [one.legs for one in theirs]
    assert not {one.key for one in ours} & {one.key for one in theirs}


@pytest.mark.parametrize("currencies", [("EUR",), ("EUR", "JPY"), CURRENCIES])
@pytest.mark.parametrize("spare", [0, 1, 500])
def test_every_payment_is_balanced_between_accounts_of_its_currencies(
    currencies: tuple[str, ...], spare: int
) -> None:
    chart = chart_of(smallest_chart(len(currencies)) + spare, currencies)
    owner_of = {id_: slot for slot, ids in chart.ids.items() for id_ in ids}
    assert sorted(owner_of) == list(range(1, chart.size + 1))
    for payment in _payments("a", 3, chart):
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for leg in payment.legs:
            sums[leg.currency] += leg.amount
            assert owner_of[leg.account][1] == leg.currency
            assert leg.amount != 0
        assert not any(sums.values())
        assert 2 <= len(payment.legs) <= 4
        assert len({leg.account for leg in payment.legs}) == len(payment.legs)


def test_all_kinds_of_payment_happen() -> None:
    kinds = {payment.kind for payment in _payments("a", 7, chart_of(60, CURRENCIES))}
    assert kinds == {"purchase", "person", "exchange", "deposit", "payout"}


def test_too_few_accounts_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 18 accounts"):
        chart_of(smallest_chart(3) - 1, CURRENCIES)
