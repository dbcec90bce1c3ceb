"""The drill, top to bottom."""

from __future__ import annotations

from drillctl.errors import Interrupted, SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.runs import RunFolder
from drillctl.interrupt import raise_pending
from drillctl.orchestration.loss import measure_loss
from drillctl.orchestration.plan import Plan
from drillctl.orchestration.publish import publish
from drillctl.orchestration.scene import DrillEnded, Scene, Tell
from drillctl.orchestration.stages import (
    bring_back,
    choose_backup,
    lose_production,
    provision,
    validate,
)
from drillctl.orchestration.teardown import Cleanup


def rehearse(plan: Plan, run: RunFolder, journal: Journal, tell: Tell) -> DrillRecord:
    """Do what `plan` says and return the record of it, also written into the run's folder.

    A failed restore, a failed check and a failed sandbox are verdicts, not exceptions. Raises
    Interrupted after teardown when the operator stopped it, UnsafeError when something was
    refused, and whatever escaped when the mistake is ours; the record is written all the same.
    """
    outcome = "crashed"
    try:
        with Cleanup(journal) as cleanup:
            raise_pending()
            _drill(Scene(plan=plan, run=run, journal=journal, cleanup=cleanup, tell=tell))
        outcome = "finished"
    except DrillEnded:
        outcome = "finished"
    except Interrupted:
        outcome = "interrupted"
        raise
    finally:
        journal.append("run_closed", outcome=outcome)
        journal.close()
        if journal.lost:
            tell("the journal could not be written to its end; `drillctl debrief` reads the rest")
        else:
            publish(run, tell)
    if journal.lost:
        raise SandboxError(
            "sandbox.evidence_lost",
            f"the run folder {run.path} could not be written to its end",
            hint="free some space and run the drill again: an unrecorded drill proves nothing",
        )
    return run.read()


def _drill(scene: Scene) -> None:
    lab = lose_production(scene)
    scene.journal.mark("declared")
    backup = choose_backup(scene, lab)
    sandbox = provision(scene, backup)
    restored, verdict = bring_back(scene, backup, sandbox)
    database = validate(scene, backup, restored, sandbox, verdict)
    measure_loss(scene, lab, database, backup.facts)
