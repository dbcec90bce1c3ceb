"""Did the wall clock move while the drill ran? Each entry was read on both clocks.

Durations come from the steady clock and stay right. Wall times are compared with other machines'
only for the RPA, at the moment of the disaster: what moved before it makes the RPA doubtful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from drillctl.evidence.facts import Finding, Room, Severity
from drillctl.evidence.journal import Entry
from drillctl.evidence.verdict import Verdict

# Less is an adjustment that no objective of whole seconds would notice.
_TOLERANCE_SECONDS = 1.0
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The wall clock moved by `seconds` between the entry before `entry` and it."""

    entry: int
    seconds: float


def clock_steps(entries: Sequence[Entry]) -> tuple[ClockStep, ...]:
    """Where the wall clock's difference is not the steady clock's, by more than a second."""
    steps = []
    for before, after in pairwise(entries):
        wall = (after.at - before.at).total_seconds()
        moved = wall - (after.elapsed - before.elapsed)
        if abs(moved) > _TOLERANCE_SECONDS:
            steps.append(ClockStep(entry=after.seq, seconds=round(moved, 3)))
    return tuple(steps)


def clock_findings(entries: Sequence[Entry]) -> tuple[Finding, ...]:
    """At most one finding: inconclusive when the RPA cannot be trusted, else a note."""
    steps = clock_steps(entries)
    if not steps:
        return ()
    moment = _moment_of_disaster(entries)
    doubtful = moment is None or steps[0].entry <= moment
    told = [f"{step.seconds:+.1f} s before entry {step.entry}" for step in steps[:_MOST_TOLD]]
    more = f" and {len(steps) - _MOST_TOLD} more" if len(steps) > _MOST_TOLD else ""
    return (
        Finding(
            id="orchestration.clock_stepped",
            room=Room.ORCHESTRATION,
            severity=Severity.MAJOR if doubtful else Severity.MINOR,
            title="the wall clock moved before the moment of the disaster: the RPA is doubtful"
            if doubtful
            else "the wall clock moved during the drill; durations are of the steady clock",
            expected="a wall clock that goes as the steady clock does",
            observed=", ".join(told) + more,
            hint="let chrony or systemd-timesyncd settle before a drill; run it again"
            if doubtful
            else "the times of day in this record do not follow each other",
            verdict=Verdict.INCONCLUSIVE if doubtful else Verdict.PASSED,
        ),
    )


def _moment_of_disaster(entries: Sequence[Entry]) -> int | None:
    """The entry whose wall time the RPA is counted from."""
    at = {entry.data["name"]: entry.seq for entry in entries if entry.kind == "mark"}
    return at.get("disaster", at.get("declared"))
