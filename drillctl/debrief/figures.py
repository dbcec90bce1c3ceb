"""The numbers of a debrief in words: objective, actual, losses. Shared by every format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from drillctl.definition.units import format_duration
from drillctl.evidence.facts import Loss
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One actual against its objective, in seconds. `verdict` is None when none was set."""

    actual_name: str
    objective_name: str
    title: str
    objective: float | None
    actual: float | None
    at_least: float | None
    verdict: Verdict | None
    how: str

    @property
    def shown(self) -> str:
        """`12.4s`, `at least 40s` or `not measured`."""
        if self.actual is not None:
            return format_duration(self.actual)
        if self.at_least is not None:
            return f"at least {format_duration(self.at_least)}"
        return "not measured"

    @property
    def objective_shown(self) -> str:
        return "not set" if self.objective is None else format_duration(self.objective)

    @property
    def outcome(self) -> str:
        """The comparison in a few words."""
        if self.objective is None:
            return "no objective set"
        if self.verdict == Verdict.FAILED:
            spent = self.actual if self.actual is not None else self.at_least
            over = format_duration(max(0.0, (spent or 0.0) - self.objective))
            return f"missed by {over}" if self.actual is not None else f"missed by {over} or more"
        if self.actual is None:
            return "not measured"
        return f"met with {format_duration(self.objective - self.actual)} to spare"


def measures(record: DrillRecord) -> tuple[Measure, Measure]:
    """RTA against RTO, RPA against RPO."""
    rto, rpo = record.rto, record.rpo
    return (
        Measure(
            actual_name="RTA",
            objective_name="RTO",
            title="Time to recover",
            objective=rto.objective_seconds,
            actual=rto.actual_seconds,
            at_least=rto.at_least_seconds,
            verdict=None if rto.objective_seconds is None else rto.verdict,
            how="from declared to validated"
            if rto.actual_seconds is not None
            else "the service was never validated",
        ),
        Measure(
            actual_name="RPA",
            objective_name="RPO",
            title="Data lost, as time",
            objective=rpo.objective_seconds,
            actual=rpo.actual_seconds,
            at_least=None,
            verdict=None if rpo.objective_seconds is None else rpo.verdict,
            how=rpo.method.removeprefix("not measured: "),
        ),
    )


def lost_shown(record: DrillRecord) -> str:
    """`37 of 4,210 acknowledged transfers`, or why there is no count."""
    lost, ledger = record.rpo.lost_writes, record.rpo.ledger
    if lost is None:
        return "not counted: nothing was compared with a ledger of acknowledged writes"
    if ledger is None:
        return f"{lost:,} acknowledged transfers"
    return f"{lost:,} of {ledger.acknowledged:,} acknowledged transfers"


def amounts_shown(record: DrillRecord) -> tuple[tuple[str, str], ...]:
    """(currency, `1,234.50`) of what was lost, by currency."""
    return tuple((code, money(amount)) for code, amount in sorted(record.rpo.lost_amounts.items()))


def money(amount: Decimal) -> str:
    return f"{amount:,f}"


def reconciliation(ledger: Loss) -> tuple[tuple[str, int, str], ...]:
    """(what, count, meaning): the first line is the sum of the two below it."""
    return (
        ("Acknowledged", ledger.acknowledged, "confirmed to a client before the disaster"),
        ("Survived", ledger.survived, "acknowledged and there after the restore"),
        ("Lost", ledger.lost, "acknowledged and absent after the restore"),
        ("Unacknowledged, survived", ledger.unacked_survived, "there, though never confirmed"),
        ("Duplicated", ledger.duplicated, "there more than once"),
        ("Unknown", ledger.unknown, "there, and in no ledger"),
        ("Recovered rows", ledger.recovered_rows, "what the restored database holds"),
    )


def instant(moment: datetime | None) -> str:
    """`2026-11-24 05:00:12 UTC`, or `not known`."""
    return "not known" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def share(part: float, whole: float) -> float:
    """Percent, between 0 and 100."""
    return 0.0 if whole <= 0 else max(0.0, min(100.0, 100.0 * part / whole))
