"""Every class of write, in both directions: seeded it is counted, and without it all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from drillctl.clock import Moment
from drillctl.errors import SandboxError
from drillctl.evidence.facts import Loss
from drillctl.lab.loss_ledger import Attempt, Ending, LossLedger, Outcome, read_ledger
from drillctl.lab.payments import Payment, Stream, chart_of
from drillctl.lab.reconcile import Recovered, reconcile

START = datetime(2026, 11, 24, 5, tzinfo=UTC)
STREAM = Stream("run", 7, chart_of(60, ("EUR", "USD", "GBP")))


def _at(second: float) -> Moment:
    return Moment(wall=START + timedelta(seconds=second), steady=second)


def _ledger(path: Path, outcomes: str) -> list[Payment]:
    """One payment a second, acked (a), refused (r), unknown (u) or without an end (-)."""
    ledger = LossLedger(path, run_id="run", seed=7)
    words = {"a": Outcome.ACKED, "r": Outcome.REFUSED, "u": Outcome.UNKNOWN}
    payments = [STREAM.payment(number) for number in range(1, len(outcomes) + 1)]
    for payment, letter in zip(payments, outcomes, strict=True):
        ledger.tried((payment,), _at(payment.number))
        if letter != "-":
            ledger.ended((payment.number,), words[letter], _at(payment.number + 0.5))
    ledger.close()
    return payments


def _row(payment: Payment) -> Recovered:
    return payment.key, payment.currency, payment.amount


def _reconciled(tmp_path: Path, outcomes: str, recovered: list[int]) -> Loss:
    """`recovered` are the numbers of the payments found, in that order."""
    payments = _ledger(tmp_path / "l", outcomes)
    return reconcile(tmp_path / "l", [_row(payments[number - 1]) for number in recovered])


def test_nothing_lost_reconciles(tmp_path: Path) -> None:
    loss = _reconciled(tmp_path, "aaaa", [3, 1, 2, 4])
    assert (loss.acknowledged, loss.survived, loss.lost) == (4, 4, 0)
    assert (loss.recovered_rows, loss.lost_amounts, loss.first_lost_at) == (4, {}, None)
    assert loss.last_survived_at == loss.last_acknowledged_at == _at(4.5).wall
    assert loss.reconciles


def test_lost_writes_are_counted_with_their_money_and_still_reconcile(tmp_path: Path) -> None:
    payments = _ledger(tmp_path / "l", "aaaaaa")
    loss = reconcile(tmp_path / "l", [_row(one) for one in payments[:2]])
    sums: dict[str, Decimal] = {}
    for one in payments[2:]:
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    assert (loss.acknowledged, loss.survived, loss.lost) == (6, 2, 4)
    assert loss.lost_amounts == sums
    assert (loss.first_lost_at, loss.last_survived_at) == (_at(3.5).wall, _at(2.5).wall)
    assert loss.reconciles


@pytest.mark.parametrize("letter", ["u", "-"])
def test_a_write_nobody_was_told_of_may_survive(tmp_path: Path, letter: str) -> None:
    loss = _reconciled(tmp_path, "aa" + letter, [1, 2, 3])
    assert (loss.acknowledged, loss.survived, loss.unacked_survived) == (2, 2, 1)
    assert loss.reconciles


@pytest.mark.parametrize("letter", ["u", "-", "r"])
def test_and_if_it_did_not_it_is_not_lost(tmp_path: Path, letter: str) -> None:
    loss = _reconciled(tmp_path, "aa" + letter, [1, 2])
    assert (loss.lost, loss.unacked_survived, loss.recovered_rows) == (0, 0, 2)
    assert loss.reconciles


def test_a_refused_write_that_is_there_does_not_reconcile(tmp_path: Path) -> None:
    loss = _reconciled(tmp_path, "aar", [1, 2, 3])
    assert loss.unacked_survived == 1
    assert not loss.reconciles


def test_a_duplicate_does_not_reconcile(tmp_path: Path) -> None:
    loss = _reconciled(tmp_path, "aaa", [1, 2, 2, 2, 3])
    assert (loss.survived, loss.duplicated, loss.recovered_rows) == (3, 2, 5)
    assert not loss.reconciles


def test_a_row_the_ledger_never_attempted_does_not_reconcile(tmp_path: Path) -> None:
    payments = _ledger(tmp_path / "l", "aa")
    rows: list[Recovered] = [*map(_row, payments), (uuid4(), "EUR", Decimal(1))]
    loss = reconcile(tmp_path / "l", rows)
    assert (loss.survived, loss.unknown, loss.recovered_rows) == (2, 1, 3)
    assert not loss.reconciles


@pytest.mark.parametrize("what", ["amount", "currency"])
def test_an_altered_survivor_does_not_reconcile(tmp_path: Path, what: str) -> None:
    payments = _ledger(tmp_path / "l", "aa")
    key, currency, amount = payments[0].key, payments[0].currency, payments[0].amount
    bad = (
        (key, "XXX", amount) if what == "currency" else (key, currency, amount + Decimal("0.0001"))
    )
    loss = reconcile(tmp_path / "l", [bad, _row(payments[1])])
    assert (loss.survived, loss.altered) == (2, 1)
    assert not loss.reconciles


def test_a_row_without_its_values_is_not_overlooked(tmp_path: Path) -> None:
    payments = _ledger(tmp_path / "l", "a")
    rows = [(None, None, None), _row(payments[0])]
    loss = reconcile(tmp_path / "l", rows)
    assert (loss.survived, loss.unknown) == (1, 1)
    assert not loss.reconciles


def test_the_scale_of_an_amount_and_the_spelling_of_a_key_do_not_matter(tmp_path: Path) -> None:
    (payment,) = _ledger(tmp_path / "l", "a")
    amount = payment.amount.quantize(Decimal("0.0001"))
    assert reconcile(tmp_path / "l", [(str(payment.key), payment.currency, amount)]).reconciles


def test_an_empty_ledger_and_an_empty_database(tmp_path: Path) -> None:
    loss = _reconciled(tmp_path, "", [])
    assert (loss.acknowledged, loss.recovered_rows, loss.reconciles) == (0, 0, True)


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    payments = _ledger(tmp_path / "l", "aa")
    whole = (tmp_path / "l").read_bytes()
    for cut in range(1, len(whole.splitlines(keepends=True)[-1])):
        (tmp_path / "l").write_bytes(whole[:-cut])
        loss = reconcile(tmp_path / "l", map(_row, payments))
        assert (loss.acknowledged, loss.unacked_survived, loss.reconciles) == (1, 1, True)


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (b"acked\t1\n", "lab.ledger_unreadable"),
        (b"maybe\t1\t5\t5\n", "lab.ledger_unreadable"),
        (b"\xff\xfe\n", "lab.ledger_unreadable"),
        (b"try\t9\tkey\tEUR\t1\t5\t5\n", "lab.ledger_unreadable"),
        (b"acked\t1\t5\t5\n", "lab.ledger_contradicts_itself"),
        (b"acked\t9\t5\t5\n", "lab.ledger_contradicts_itself"),
    ],
)
def test_a_damaged_ledger_is_named(tmp_path: Path, line: bytes, finding: str) -> None:
    _ledger(tmp_path / "l", "aa")
    with (tmp_path / "l").open("ab") as stream:
        stream.write(line)
    with pytest.raises(SandboxError) as caught:
        reconcile(tmp_path / "l", [])
    assert caught.value.finding == finding


def test_no_ledger_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be read"):
        reconcile(tmp_path / "none", [])
    (tmp_path / "other").write_text("something else\n")
    with pytest.raises(SandboxError, match="cannot be read"):
        reconcile(tmp_path / "other", [])


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    (payment,) = _ledger(tmp_path / "l", "u")
    attempt, ending = read_ledger(tmp_path / "l")
    assert isinstance(attempt, Attempt)
    assert isinstance(ending, Ending)
    assert (attempt.key, attempt.amount) == (payment.key, payment.amount)
    assert isinstance(attempt.key, UUID)
    assert attempt.sent_at == _at(1).wall
    assert (ending.outcome, ending.at) == (Outcome.UNKNOWN, _at(1.5).wall)
    assert (tmp_path / "l").stat().st_mode & 0o777 == 0o600
