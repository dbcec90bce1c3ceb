"""A value of an answer against one of a definition: by meaning."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from drillctl.validate.contract import Incomparable
from drillctl.validate.values import Scalar, equal, not_after, shown

_ID = "7e6cbb8e-3c3c-4c43-b1cd-9e40e3b8a9d1"


@pytest.mark.parametrize(
    ("expected", "observed", "same"),
    [
        (1, Decimal("1.00"), True),
        (0.1, Decimal("0.1"), True),
        ("10.50", Decimal("10.5"), True),
        (10**20, Decimal(10**20), True),
        (2, 1, False),
        (0.3, 0.1 + 0.2, False),
        (True, True, True),
        (False, True, False),
        (None, None, True),
        (None, 0, False),
        ("", None, False),
        ("1", "1.0", False),
        ("é", "é", True),
        ("2026-11-24", date(2026, 11, 24), True),
        ("2026-11-24T06:00:00+01:00", datetime(2026, 11, 24, 5, tzinfo=UTC), True),
        ("2026-11-24T05:00:00Z", datetime(2026, 11, 24, 5), True),
        (_ID, UUID(_ID), True),
        (1, Decimal("inf"), False),
    ],
)
def test_equal(expected: Scalar, observed: Any, same: bool) -> None:
    assert equal(expected, observed) is same


@pytest.mark.parametrize(
    ("expected", "observed"),
    [
        (1, True),
        (True, 1),
        (1, "1"),
        ("x", 1),
        ("2026-11-24", 1),
        (1, datetime(2026, 1, 1, tzinfo=UTC)),
        (1, {"a": 1}),
        ("[1]", [1]),
        (1, float("nan")),
        (1, Decimal("nan")),
    ],
)
def test_types_that_do_not_meet_are_not_guessed_at(expected: Scalar, observed: Any) -> None:
    with pytest.raises(Incomparable):
        equal(expected, observed)


def test_order() -> None:
    assert not_after(1, Decimal("1.0"))
    assert not not_after("2026-11-25", datetime(2026, 11, 24, tzinfo=UTC))
    assert not not_after(1, float("-inf"))


def test_text_is_never_shown() -> None:
    told = shown("a customer's name")
    assert "customer" not in told
    assert told.startswith("text of 17 characters, sha256 ")
    assert told != shown("another one's name")
    assert "customer" not in shown({"a": "customer"}) + shown(["customer"]) + shown(b"customer")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "null"),
        (True, "true"),
        (Decimal("1.50"), "1.50"),
        (datetime(2026, 11, 24, 5, tzinfo=UTC), "2026-11-24T05:00:00+00:00"),
    ],
)
def test_aggregates_are_shown(value: Any, told: str) -> None:
    assert shown(value) == told
