"""Durations and objectives, derived from marks afterwards: pure functions, no clock.

RTA = declared -> validated. Everything in between counts: choosing the backup, provisioning,
restoring, validating, waits. Teardown does not.
RPA = moment of the disaster - recovery point. The disaster is marked by a lab; for a drill that
only restores, it is the moment the drill was declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from drillctl.evidence.facts import BackupFacts, Loss, Mark, PhaseKind
from drillctl.evidence.record import Phase, RpoResult, RtoResult
from drillctl.evidence.verdict import Verdict

# name, from mark, to mark, kind, counts into the RTA
PHASES: tuple[tuple[str, str, str, PhaseKind, bool], ...] = (
    ("lab comes up", "lab_requested", "lab_ready", "machine", False),
    ("production runs", "lab_ready", "disaster", "machine", False),
    ("notice", "disaster", "declared", "machine", False),
    ("choose backup", "declared", "backup_chosen", "machine", True),
    ("provision", "backup_chosen", "provisioned", "machine", True),
    ("restore", "provisioned", "restored", "machine", True),
    ("validate", "restored", "checked", "machine", True),
    ("measure loss", "checked", "loss_measured", "machine", False),
    ("tear down", "teardown_began", "torn_down", "machine", False),
)


def phases_of(marks: Sequence[Mark], ended: float) -> tuple[Phase, ...]:
    """Every phase whose two marks were made, and the one that the drill entered and never left.

    `ended` is the elapsed second of the last fact.
    """
    at = {mark.name: mark.elapsed_seconds for mark in marks}
    phases = []
    for name, begin, end, kind, counts in PHASES:
        # Only what counts into the RTA must follow; a drill without a lab measures no loss.
        if begin not in at or (end not in at and not counts):
            continue
        until = at.get(end, at.get("teardown_began", ended))
        phases.append(
            Phase(
                name=name,
                began_seconds=round(at[begin], 6),
                seconds=round(until - at[begin], 6),
                finished=end in at,
                kind=kind,
                counts=counts,
            )
        )
    return tuple(phases)


def judge_rto(marks: Sequence[Mark], objective: float | None, ended: float) -> RtoResult:
    """`ended` is the elapsed second of the last fact: how long an unfinished drill had run."""
    at = {mark.name: mark.elapsed_seconds for mark in marks}
    declared = at.get("declared")
    actual = at["validated"] - declared if declared is not None and "validated" in at else None
    at_least = None
    if actual is None and declared is not None:
        at_least = at.get("checked", at.get("teardown_began", ended)) - declared
    spent = actual if actual is not None else at_least
    if objective is not None and spent is not None and spent > objective:
        verdict = Verdict.FAILED
    elif actual is None or objective is None:
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.PASSED
    return RtoResult(
        objective_seconds=objective,
        actual_seconds=_rounded(actual),
        at_least_seconds=_rounded(at_least),
        verdict=verdict,
    )


def judge_rpo(
    marks: Sequence[Mark], objective: float | None, backup: BackupFacts | None, loss: Loss | None
) -> RpoResult:
    """An objective that could not be measured is inconclusive; one that was not set is too."""
    actual, method = _recovery_gap(marks, backup)
    if actual is None or objective is None:
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.PASSED if actual <= objective else Verdict.FAILED
    return RpoResult(
        objective_seconds=objective,
        actual_seconds=_rounded(actual),
        verdict=verdict,
        method=method,
        lost_writes=loss.lost if loss else None,
        lost_amounts=loss.lost_amounts if loss else {},
        ledger=loss,
    )


def _recovery_gap(marks: Sequence[Mark], backup: BackupFacts | None) -> tuple[float | None, str]:
    """Seconds between disaster and recovery point, and how they were found."""
    moment = _disaster(marks)
    restored = any(mark.name == "restored" for mark in marks)
    if moment is None or backup is None or not restored:
        return None, "not measured: nothing was restored"
    if backup.consistent_at is None:
        return None, f"not measured: {backup.consistent_at_method}"
    gap = (moment - backup.consistent_at).total_seconds()
    if gap < 0:
        return None, "not measured: the recovery point lies after the disaster; check the clocks"
    return gap, f"disaster minus recovery point ({backup.consistent_at_method})"


def _disaster(marks: Sequence[Mark]) -> datetime | None:
    at = {mark.name: mark.at for mark in marks}
    return at.get("disaster", at.get("declared"))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
