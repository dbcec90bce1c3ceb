"""Errors become findings, and each finding says whose fault it is.

A failed restore is a result, a failed sandbox is an excuse, our mistake is a traceback.
"""

from __future__ import annotations

from drillctl.errors import NamedError, RecoveryFailed, SandboxError
from drillctl.evidence.facts import Finding, Room, Severity
from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Trouble


def finding_of(error: NamedError) -> Finding:
    """RecoveryFailed fails the drill; SandboxError makes it inconclusive."""
    verdict = Verdict.FAILED if isinstance(error, RecoveryFailed) else Verdict.INCONCLUSIVE
    return Finding(
        id=error.finding,
        room=_room(error.finding),
        severity=Severity.CRITICAL,
        title=error.message,
        expected=error.expected,
        observed=error.observed,
        hint=error.hint,
        verdict=verdict,
    )


def finding_of_trouble(trouble: Trouble) -> Finding:
    return Finding(
        id=trouble.finding,
        room=Room.SANDBOX,
        severity=Severity.CRITICAL,
        title=trouble.title,
        observed=trouble.observed,
        hint=trouble.hint,
        verdict=Verdict.INCONCLUSIVE,
    )


def error_of_trouble(trouble: Trouble) -> SandboxError:
    return SandboxError(
        trouble.finding, trouble.title, observed=trouble.observed, hint=trouble.hint
    )


def _room(finding_id: str) -> Room:
    prefix = finding_id.partition(".")[0]
    return Room(prefix) if prefix in Room._value2member_map_ else Room.ORCHESTRATION
