"""journal -> DrillRecord: a pure fold, so an old or a killed run can be judged anew.

Kinds of entries:
    run_opened {run_id, mode, drill, objectives{rto_seconds, rpo_seconds}, environment, tool, owner,
                not_tested[]}
    mark {name, at?}                   backup {BackupFacts}           sandbox {SandboxFacts}
    check {CheckResult}             finding {Finding}              status {room, status}
    loss {Loss}                     not_tested {what}              teardown {Teardown}
    effect_intended | effect_done | effect_undone {effect, name}
    run_closed {outcome: finished | interrupted | crashed}
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drillctl.evidence.clock_steps import clock_findings
from drillctl.evidence.facts import (
    BackupFacts,
    CheckResult,
    Finding,
    Loss,
    Mark,
    SandboxFacts,
    Teardown,
)
from drillctl.evidence.journal import Entry, Reading
from drillctl.evidence.measures import judge_rpo, judge_rto, phases_of
from drillctl.evidence.record import (
    DrillFacts,
    DrillRecord,
    JournalFacts,
    SandboxRecord,
    Statuses,
    ToolFacts,
)
from drillctl.evidence.verdict import Status, Verdict, worse_status, worst


def assemble(reading: Reading, *, alive: bool = False) -> DrillRecord:
    """The record that a journal amounts to.

    `alive` says that the run's owner still lives; a run without `run_closed` is then `running`,
    else `interrupted`. Raises ValueError when the journal has no opening entry.
    """
    entries = reading.entries
    if not entries or entries[0].kind != "run_opened":
        raise ValueError("the journal has no opening entry; nothing is known about this run")
    opened = entries[0].data
    marks = tuple(_mark(entry) for entry in entries if entry.kind == "mark")
    backup = _last(entries, "backup", BackupFacts)
    sandbox = _last(entries, "sandbox", SandboxFacts)
    loss = _last(entries, "loss", Loss)
    teardown = _last(entries, "teardown", Teardown)
    objectives = opened["objectives"]
    rto = judge_rto(marks, objectives["rto_seconds"], entries[-1].elapsed)
    rpo = judge_rpo(marks, objectives["rpo_seconds"], backup, loss)
    checks = tuple(CheckResult.model_validate(data) for data in _all(entries, "check"))
    findings = (
        *(Finding.model_validate(data) for data in _all(entries, "finding")),
        *clock_findings(entries),
    )
    statuses = _statuses(entries)
    outcome = _outcome(entries, alive)
    return DrillRecord(
        schema="drillctl/record/v1",
        run_id=opened["run_id"],
        mode=opened["mode"],
        outcome=outcome,
        drill=DrillFacts.model_validate(opened["drill"]),
        tool=ToolFacts.model_validate(opened["tool"]),
        environment=opened["environment"],
        backup=backup,
        sandbox=_sandbox_record(sandbox, teardown),
        marks=marks,
        phases=phases_of(marks, entries[-1].elapsed),
        rto=rto,
        rpo=rpo,
        statuses=statuses,
        checks=checks,
        findings=findings,
        not_tested=tuple(opened["not_tested"])
        + tuple(data["what"] for data in _all(entries, "not_tested")),
        teardown=teardown,
        journal=JournalFacts(entries=len(entries), head=reading.head, intact=reading.intact),
        verdict=worst(
            (
                *(Verdict(status) for _, status in statuses.items() if status != Status.NOT_RUN),
                *(check.verdict for check in checks),
                *(finding.verdict for finding in findings),
                *_objective_verdicts(objectives, rto.verdict, rpo.verdict),
                *_gaps(statuses, checks, outcome, reading),
                *_doubts(sandbox, teardown, loss),
            )
        ),
    )


def _mark(entry: Entry) -> Mark:
    """A mark that carries its own `at` was measured by another process a little earlier."""
    at = datetime.fromisoformat(entry.data["at"]) if "at" in entry.data else entry.at
    earlier = (entry.at - at).total_seconds()
    return Mark(name=entry.data["name"], at=at, elapsed_seconds=entry.elapsed - earlier)


def _objective_verdicts(
    objectives: dict[str, Any], rto: Verdict, rpo: Verdict
) -> tuple[Verdict, ...]:
    """An objective that was not set cannot be missed; one that was set must be measured."""
    set_ones = ((objectives["rto_seconds"], rto), (objectives["rpo_seconds"], rpo))
    return tuple(verdict for objective, verdict in set_ones if objective is not None)


def _gaps(
    statuses: Statuses, checks: tuple[CheckResult, ...], outcome: str, reading: Reading
) -> tuple[Verdict, ...]:
    """Inconclusive, once for each reason why a clean look would say more than was checked."""
    reasons = (
        outcome != "finished",
        not reading.intact,
        not checks,
        statuses.restore == Status.NOT_RUN,
        statuses.validate_ == Status.NOT_RUN,
        statuses.cleanup == Status.NOT_RUN,
    )
    return (Verdict.INCONCLUSIVE,) * sum(reasons)


def _doubts(
    sandbox: SandboxFacts | None, teardown: Teardown | None, loss: Loss | None
) -> tuple[Verdict, ...]:
    """Inconclusive, once for each fact that contradicts a clean look, whatever a status says."""
    reasons = (
        sandbox is not None and (teardown is None or teardown.destroyed is not True),
        loss is not None and not loss.reconciles,
    )
    return (Verdict.INCONCLUSIVE,) * sum(reasons)


def _statuses(entries: Sequence[Entry]) -> Statuses:
    """The worst that was ever said of a room: a later success does not undo a failure."""
    said: dict[str, Status] = {}
    for data in _all(entries, "status"):
        status = Status(data["status"])
        said[data["room"]] = worse_status(said.get(data["room"], status), status)
    return Statuses.model_validate(said)


def _sandbox_record(facts: SandboxFacts | None, teardown: Teardown | None) -> SandboxRecord | None:
    if facts is None:
        return None
    destroyed = teardown.destroyed if teardown else None
    return SandboxRecord(**facts.model_dump(), destroyed=destroyed)


def _outcome(entries: Sequence[Entry], alive: bool) -> Any:
    for data in _all(entries, "run_closed"):
        return data["outcome"]
    return "running" if alive else "interrupted"


def _all(entries: Sequence[Entry], kind: str) -> list[dict[str, Any]]:
    return [entry.data for entry in entries if entry.kind == kind]


def _last(entries: Sequence[Entry], kind: str, model: Any) -> Any:
    found = _all(entries, kind)
    return model.model_validate(found[-1]) if found else None
