"""What the chosen checks do not look at, so that a debrief claims no more than was checked."""

from __future__ import annotations

from collections.abc import Sequence

from drillctl.definition.drill import CheckSpec

# What stays unseen when none of these kinds is in the drill.
_WITHOUT: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"seal"}),
        "changed values inside rows that break no rule of a check: only a seal of the source "
        "(`seal`) can show them",
    ),
    (
        frozenset({"seal", "row_counts"}),
        "whether whole rows are missing: no table was counted (`row_counts`)",
    ),
    (
        frozenset({"freshness"}),
        "how old the newest record is: no column was looked at (`freshness`)",
    ),
    (
        frozenset({"seal", "structure"}),
        "whether tables, columns, constraints, indexes, views, triggers and functions are all "
        "there (`structure`)",
    ),
    (
        frozenset({"foreign_keys"}),
        "whether references between tables hold: a dump restores them unproved (`foreign_keys`)",
    ),
    (
        frozenset({"sequences"}),
        "whether sequences are ahead of the keys they made (`sequences`)",
    ),
    (
        frozenset({"query", "ledger"}),
        "the business's own rules, such as balances that add up (`query`)",
    ),
    (frozenset({"seal"}), "the content of large objects"),
    (
        frozenset({"amcheck"}),
        "physical damage inside indexes, and text indexes whose sort order changed with the "
        "system's locale data: checks read tables, not indexes",
    ),
)
_ALWAYS = (
    "roles' passwords and privileges, and whether the application itself can log in and work",
)


def not_tested(checks: Sequence[CheckSpec]) -> tuple[str, ...]:
    """One line for each thing that no check of the drill looks at."""
    kinds = {check.kind for check in checks}
    return (*(what for seen_by, what in _WITHOUT if not seen_by & kinds), *_ALWAYS)
