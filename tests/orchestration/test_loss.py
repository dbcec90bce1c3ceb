"""Losing what came after the recovery point is the RPO's business; the rest is damage, by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from drillctl.evidence.facts import BackupFacts, Loss
from drillctl.orchestration.loss import judge_loss

POINT = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
BACKUP = BackupFacts(
    engine="pg_dump",
    label="x.dump",
    location="/x.dump",
    format="custom",
    size_bytes=1,
    consistent_at=POINT,
    consistent_at_method="header",
)


def _loss(**changes: Any) -> Loss:
    sound: dict[str, Any] = {
        "acknowledged": 10,
        "survived": 7,
        "lost": 3,
        "unacked_survived": 0,
        "duplicated": 0,
        "lost_amounts": {"EUR": Decimal("3.00")},
        "first_lost_at": POINT + timedelta(seconds=2),
        "last_survived_at": POINT + timedelta(seconds=1),
        "last_acknowledged_at": POINT + timedelta(seconds=9),
        "recovered_rows": 7,
        "reconciles": True,
    }
    return Loss(**(sound | changes))


def test_loss_after_the_recovery_point_is_no_finding() -> None:
    assert judge_loss(_loss(), BACKUP) == ()


def test_a_ledger_that_does_not_reconcile_fails_by_name() -> None:
    (finding,) = judge_loss(_loss(duplicated=1, reconciles=False), BACKUP)
    assert (finding.id, finding.verdict) == ("validate.ledger_does_not_reconcile", "failed")


def test_a_hole_before_the_recovery_point_fails_by_name() -> None:
    (finding,) = judge_loss(_loss(first_lost_at=POINT - timedelta(seconds=1)), BACKUP)
    assert (finding.id, finding.verdict) == ("restore.hole_before_recovery_point", "failed")
