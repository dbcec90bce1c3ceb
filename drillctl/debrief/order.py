"""What a reader should see first."""

from __future__ import annotations

from drillctl.evidence.facts import CheckResult, Finding, IsolationProbe, Severity
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Verdict

_BY_VERDICT = {Verdict.FAILED: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASSED: 2}
_BY_SEVERITY = {Severity.CRITICAL: 0, Severity.MAJOR: 1, Severity.MINOR: 2, Severity.INFO: 3}
_BY_HOLD = {False: 0, None: 1, True: 2}


def findings_worst_first(record: DrillRecord) -> tuple[Finding, ...]:
    """By what they force, then by severity, then in the order found."""
    return tuple(
        sorted(
            record.findings,
            key=lambda finding: (_BY_VERDICT[finding.verdict], _BY_SEVERITY[finding.severity]),
        )
    )


def checks_worst_first(record: DrillRecord) -> tuple[CheckResult, ...]:
    return tuple(sorted(record.checks, key=lambda check: _BY_VERDICT[check.verdict]))


def probes_worst_first(record: DrillRecord) -> tuple[IsolationProbe, ...]:
    probes = record.sandbox.isolation if record.sandbox else ()
    return tuple(sorted(probes, key=lambda probe: _BY_HOLD[probe.held]))


def count_checks(record: DrillRecord) -> dict[Verdict, int]:
    """How many checks ended each way; every verdict is a key."""
    return {
        verdict: sum(check.verdict == verdict for check in record.checks) for verdict in Verdict
    }
