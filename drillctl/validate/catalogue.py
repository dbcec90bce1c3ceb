"""Every kind of check that a drill may name. A new one is a module in `checks/` and a line here."""

from __future__ import annotations

from drillctl.validate.checks import (
    foreign_keys,
    freshness,
    query,
    row_counts,
    sequences,
    structure,
)
from drillctl.validate.contract import Check

CHECKS: dict[str, Check] = {
    query.KIND: query,
    row_counts.KIND: row_counts,
    freshness.KIND: freshness,
    structure.KIND: structure,
    foreign_keys.KIND: foreign_keys,
    sequences.KIND: sequences,
}
