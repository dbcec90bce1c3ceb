"""The journal's first line: the promise, the tool and the owner, before anything is made."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import drillctl
from drillctl.clock import Clock, SystemClock
from drillctl.definition.drill import Drill
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import this_process
from drillctl.evidence.record import DrillFacts, ToolFacts
from drillctl.evidence.runs import RunFolder, new_run
from drillctl.orchestration.plan import Plan
from drillctl.validate.examine import not_tested

# A journal and the debriefs take well under 1 MiB; a disk this full is about to fail elsewhere.
_ROOM_NEEDED = 16 << 20


def open_run(plan: Plan, out: Path, clock: Clock | None = None) -> tuple[RunFolder, Journal]:
    """Make the run's folder and journal. Raises SandboxError when there is no room for evidence."""
    clock = clock or SystemClock()
    drill = plan.drill
    try:
        run = new_run(out, drill.name, clock.now().wall)
        free = shutil.disk_usage(run.path).free
        journal = Journal(run.journal, clock=clock)
    except OSError as error:
        raise SandboxError(
            "sandbox.no_run_folder",
            f"cannot write a run folder under {out}: {error.strerror}",
            hint="choose another place with --out",
        ) from error
    if free < _ROOM_NEEDED:
        raise SandboxError(
            "sandbox.no_room_for_evidence",
            f"only {free >> 20} MiB free under {out}",
            expected=f"{_ROOM_NEEDED >> 20} MiB",
            hint="free some space, or choose another place with --out",
        )
    journal.append(
        "run_opened",
        run_id=run.run_id,
        mode="drill",
        drill=drill_facts(drill).model_dump(mode="json"),
        objectives={
            "rto_seconds": drill.objectives.rto.total_seconds(),
            "rpo_seconds": drill.objectives.rpo.total_seconds() if drill.objectives.rpo else None,
        },
        environment=drill.environment.name if drill.environment else "",
        tool=ToolFacts(
            version=drillctl.__version__,
            python=platform.python_version(),
            platform=platform.platform(),
        ).model_dump(mode="json"),
        owner=this_process().as_dict(),
        not_tested=list(_not_tested(plan)),
    )
    return run, journal


def drill_facts(drill: Drill) -> DrillFacts:
    return DrillFacts(
        name=drill.name,
        service=drill.service,
        tier=drill.tier,
        owner=drill.owner,
        severity=drill.severity,
        sha256=drill.sha256,
        definition=drill.text,
    )


def _not_tested(plan: Plan) -> tuple[str, ...]:
    rooms = [
        "cutover: no traffic was moved to the restored copy",
        "drift: the environments were not compared",
        "comms: no roles or status updates were rehearsed",
    ]
    if not plan.has_lab:
        rooms.append(
            "acknowledged writes: there is no ledger of them outside the database, so loss is "
            "measured in time alone"
        )
    if plan.drill.objectives.rpo is None:
        rooms.append("RPO: the drill promises nothing about data loss")
    return (*not_tested(plan.drill.checks), *rooms)
