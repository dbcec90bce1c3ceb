"""The verdict in one sentence, the same in every format."""

from __future__ import annotations

import re

from drillctl.debrief.order import findings_worst_first
from drillctl.debrief.plain import one_line
from drillctl.definition.units import format_duration
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Status, Verdict

WORDS = {
    Verdict.PASSED: "Passed",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.FAILED: "Failed",
}


def headline(record: DrillRecord) -> str:
    """One sentence: what was shown, or the first reason why it was not."""
    if record.verdict == Verdict.PASSED:
        return _what_was_shown(record)
    found = reasons(record)
    first = found[0] if found else "A part of the drill is " + record.verdict.value
    more = len(found) - 1
    if more < 1:
        return full_stop(first)
    return f"{first} (and {more} more {'reason' if more == 1 else 'reasons'})."


def full_stop(text: str) -> str:
    return text if text.endswith((".", "…")) else f"{text}."


def reasons(record: DrillRecord) -> tuple[str, ...]:
    """Everything that keeps this drill from its pass, worst first; empty when it passed."""
    if record.verdict == Verdict.PASSED:
        return ()
    failed = (*_findings(record, Verdict.FAILED), *_missed(record), *_checks(record, "failed"))
    unsure = (
        *_cut_short(record),
        *_findings(record, Verdict.INCONCLUSIVE),
        *_checks(record, "inconclusive"),
        *_unmeasured(record),
        *_doubts(record),
    )
    return tuple(dict.fromkeys((*failed, *_failed_rooms(record, failed), *unsure)))


def _what_was_shown(record: DrillRecord) -> str:
    parts = []
    took = record.rto.actual_seconds
    if took is not None:
        promise = record.rto.objective_seconds
        within = f", within the {format_duration(promise)} promised" if promise is not None else ""
        parts.append(f"Restored and validated in {format_duration(took)}{within}")
    lost = record.rpo.actual_seconds
    if lost is not None:
        promise = record.rpo.objective_seconds
        of = f" of the {format_duration(promise)} allowed" if promise is not None else ""
        parts.append(f"{format_duration(lost)} of data lost{of}")
    count = len(record.checks)
    parts.append("the one check passed" if count == 1 else f"all {count} checks passed")
    return _sentence("; ".join(parts)) + "."


def _sentence(text: str) -> str:
    """`text` as the beginning of a sentence, unless that would misspell a name (`pg_restore`)."""
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+(?:[ ,;:]|$)", text) else text


def _findings(record: DrillRecord, verdict: Verdict) -> tuple[str, ...]:
    return tuple(
        _sentence(one_line(finding.title, 160).rstrip(".") or finding.id)
        for finding in findings_worst_first(record)
        if finding.verdict == verdict
    )


def _missed(record: DrillRecord) -> tuple[str, ...]:
    found = []
    rto, rpo = record.rto, record.rpo
    if rto.verdict == Verdict.FAILED and rto.objective_seconds is not None:
        spent = rto.actual_seconds if rto.actual_seconds is not None else rto.at_least_seconds
        least = "" if rto.actual_seconds is not None else "at least "
        found.append(
            f"RTO missed: {least}{format_duration(spent or 0)} "
            f"against {format_duration(rto.objective_seconds)}"
        )
    if rpo.verdict == Verdict.FAILED and rpo.objective_seconds is not None:
        found.append(
            f"RPO missed: {format_duration(rpo.actual_seconds or 0)} of data lost "
            f"against {format_duration(rpo.objective_seconds)}"
        )
    return tuple(found)


def _checks(record: DrillRecord, verdict: str) -> tuple[str, ...]:
    names = [one_line(check.name, 60) for check in record.checks if check.verdict == verdict]
    if not names:
        return ()
    word = "failed" if verdict == "failed" else "could not be decided"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    what = "check" if len(names) == 1 else "checks"
    return (f"{len(names)} {what} {word}: {names[0]}{more}",)


def _failed_rooms(record: DrillRecord, named: tuple[str, ...]) -> tuple[str, ...]:
    """A failed room is a reason of its own only when nothing above says why."""
    if named:
        return ()
    rooms = [room for room, status in record.statuses.items() if status == Status.FAILED]
    return tuple(f"{room.capitalize()} failed" for room in rooms)


def _cut_short(record: DrillRecord) -> tuple[str, ...]:
    where = next((phase.name for phase in reversed(record.phases) if not phase.finished), "")
    during = f" during “{where}”" if where else ""
    if record.outcome == "running":
        return (f"The drill is still running{during}; nothing is decided yet",)
    if record.outcome == "interrupted":
        return (f"The drill was interrupted{during}, so nothing is proved",)
    if record.outcome == "crashed":
        return (f"drillctl itself crashed{during}, so nothing is proved",)
    return ()


def _unmeasured(record: DrillRecord) -> tuple[str, ...]:
    found = []
    missed = record.rto.verdict == Verdict.FAILED
    if (
        record.rto.objective_seconds is not None
        and not missed
        and record.rto.actual_seconds is None
    ):
        found.append("RTA could not be measured: the service was never validated")
    if record.rpo.objective_seconds is not None and record.rpo.actual_seconds is None:
        found.append(f"RPA was {record.rpo.method or 'not measured'}")
    return tuple(found)


def _doubts(record: DrillRecord) -> tuple[str, ...]:
    found = []
    if not record.checks:
        found.append("Nothing was checked")
    if not record.journal.intact:
        found.append("The journal was altered or damaged")
    if record.rpo.ledger is not None and not record.rpo.ledger.reconciles:
        found.append("The loss ledger and the recovered database do not reconcile")
    if record.sandbox is not None and record.sandbox.destroyed is not True:
        found.append("The sandbox was not proved to be gone")
    unsure = [room for room, status in record.statuses.items() if status == Status.INCONCLUSIVE]
    found += [f"{room.capitalize()} is inconclusive" for room in unsure]
    needed = ("restore", "validate", "cleanup")
    idle = [room for room, status in record.statuses.items() if status == Status.NOT_RUN]
    found += [f"{room.capitalize()} came to no result" for room in idle if room in needed]
    return tuple(found)
