"""A debrief says what no check looked at."""

from __future__ import annotations

from typing import Any

import pytest

from drillctl.validate.examine import not_tested
from tests.validate.restored import a_check

_MIN: dict[str, dict[str, Any]] = {
    "query": {"sql": "select 1", "expect": True},
    "row_counts": {"min_total": 1},
    "freshness": {"table": "t", "column": "c", "max_age": "5m"},
    "structure": {},
    "foreign_keys": {},
    "sequences": {},
}


@pytest.mark.parametrize("kind", _MIN)
def test_a_check_takes_its_line_away(kind: str) -> None:
    without = not_tested([a_check(other, spec) for other, spec in _MIN.items() if other != kind])
    everything = not_tested([a_check(other, spec) for other, spec in _MIN.items()])
    assert set(everything) < set(without)
    assert any(f"`{kind}`" in line for line in set(without) - set(everything))


def test_much_stays_unseen_by_all_of_them() -> None:
    lines = " ".join(not_tested([a_check(kind, spec) for kind, spec in _MIN.items()]))
    for word in ("changed values", "large objects", "indexes", "privileges"):
        assert word in lines
