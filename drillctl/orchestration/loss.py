"""What was lost, counted against the lab's own ledger of acknowledged transfers."""

from __future__ import annotations

from drillctl.evidence.facts import BackupFacts, Finding, Loss, Room, Severity
from drillctl.evidence.verdict import Verdict
from drillctl.lab.lab import Lab
from drillctl.lab.reconcile import reconcile, recovered_transfers
from drillctl.orchestration.scene import Scene
from drillctl.validate.database import RestoredDatabase


def measure_loss(
    scene: Scene, lab: Lab | None, database: RestoredDatabase, backup: BackupFacts
) -> None:
    """Every acknowledged transfer survived or was lost; anything else is a finding."""
    if lab is None:
        return
    with scene.room(Room.LAB):
        scene.tell("reconciling acknowledged transfers with the restored database")
        with database.session() as connection:
            loss = reconcile(lab.ledger, recovered_transfers(connection))
        scene.journal.append("loss", **loss.model_dump(mode="json"))
        scene.journal.mark("loss_measured")
    for finding in judge_loss(loss, backup):
        scene.report(finding)


def judge_loss(loss: Loss, backup: BackupFacts) -> tuple[Finding, ...]:
    """Losing what came after the recovery point is the RPO's business; the rest is damage."""
    findings = []
    if not loss.reconciles:
        findings.append(
            Finding(
                id="validate.ledger_does_not_reconcile",
                room=Room.VALIDATE,
                severity=Severity.CRITICAL,
                title="the restored transfers and the ledger of acknowledged ones do not reconcile",
                expected=f"acknowledged {loss.acknowledged} = survived + lost, "
                "every recovered row known, once, with its amount",
                observed=f"survived {loss.survived}, lost {loss.lost}, duplicated "
                f"{loss.duplicated}, altered {loss.altered}, unknown {loss.unknown}, "
                f"rows {loss.recovered_rows}",
                hint="the restored copy is not what production acknowledged: do not serve from it",
                verdict=Verdict.FAILED,
            )
        )
    point = backup.consistent_at
    if point is not None and loss.first_lost_at is not None and loss.first_lost_at < point:
        findings.append(
            Finding(
                id="restore.hole_before_recovery_point",
                room=Room.RESTORE,
                severity=Severity.CRITICAL,
                title="a transfer acknowledged before the recovery point is missing",
                expected=f"nothing acknowledged before {point.isoformat()} is lost",
                observed=f"first lost at {loss.first_lost_at.isoformat()}",
                hint="the backup does not hold what its time stamp promises",
                verdict=Verdict.FAILED,
            )
        )
    return tuple(findings)
