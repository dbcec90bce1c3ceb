"""Every kind of check that a drill may name. A new one is a module in `checks/` and a line here."""

from __future__ import annotations

from drillctl.validate.checks import query
from drillctl.validate.contract import Check

CHECKS: dict[str, Check] = {
    query.KIND: query,
}
