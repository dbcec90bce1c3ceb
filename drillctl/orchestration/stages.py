"""The stages of a drill, each one function: it acts, journals what it saw, and returns it."""

from __future__ import annotations

from datetime import datetime

from drillctl.errors import SandboxError
from drillctl.evidence.facts import CheckResult, Finding, Room, SandboxFacts, Severity
from drillctl.evidence.verdict import Verdict
from drillctl.lab.lab import Lab
from drillctl.orchestration.blame import error_of_trouble, finding_of_trouble
from drillctl.orchestration.plan import order_for
from drillctl.orchestration.scene import Scene
from drillctl.restore.contract import Backup, Restored
from drillctl.sandbox.contract import Sandbox
from drillctl.sandbox.selection import choose_provider
from drillctl.sandbox.settings import loading, serving
from drillctl.validate.contract import Reference
from drillctl.validate.database import RestoredDatabase
from drillctl.validate.examine import examine


def lose_production(scene: Scene) -> Lab | None:
    """Bring the lab up, let it run, and lose its primary. None when the drill has no lab."""
    environment = scene.plan.drill.environment
    if environment is None or not scene.plan.has_lab:
        return None
    with scene.room(Room.LAB):
        scene.journal.mark("lab_requested")
        lab = Lab.bring_up(
            environment,
            folder=scene.run.path / "lab",
            provider=scene.plan.drill.sandbox.provider,
            image=scene.plan.drill.sandbox.image,
            run_id=scene.run.run_id,
            tell=scene.tell,
            journal=scene.journal,
        )
        scene.cleanup.after("lab", lab.down)
        scene.journal.mark("lab_ready")
        lab.wait_until_warm(environment.warm_up, scene.tell)
        scene.tell("production is lost now")
        scene.journal.mark("disaster", at=lab.lose_primary())
    return lab


def choose_backup(scene: Scene, lab: Lab | None) -> Backup:
    restore = scene.plan.drill.restore
    location = lab.backups if lab and restore.location is None else scene.plan.location
    with scene.room(Room.RESTORE):
        if location is None:
            raise SandboxError("restore.no_location", "no place to look for a backup was given")
        backup = scene.plan.engine.choose(location, restore.select, restore.options)
        scene.journal.append("backup", **backup.facts.model_dump(mode="json"))
        scene.journal.mark("backup_chosen")
    for finding in backup.findings:
        scene.report(finding)
    return backup


def provision(scene: Scene, backup: Backup) -> Sandbox:
    """A server of the right major, tuned for loading, whose isolation was tried from inside."""
    spec = scene.plan.drill.sandbox
    with scene.room(Room.RESTORE):
        order = order_for(scene.plan, scene.run.run_id, backup)
        provider = choose_provider(spec.provider, order)
        scene.tell(f"making a sandbox ({provider.name})")
        sandbox = provider.create(order, scene.journal)
        scene.cleanup.after("sandbox", sandbox.destroy)
        sandbox.start(loading(spec.memory, spec.cpus))
        facts = sandbox.facts()
        scene.journal.append("sandbox", **facts.model_dump(mode="json"))
        _insist_on_isolation(scene, facts)
        scene.journal.mark("provisioned")
    return sandbox


def _insist_on_isolation(scene: Scene, facts: SandboxFacts) -> None:
    """A container that leaks is refused. A process on a machine without namespaces is told."""
    open_ways = tuple(probe.name for probe in facts.isolation if probe.held is False)
    if not open_ways:
        return
    if facts.provider == "docker":
        raise SandboxError(
            "sandbox.isolation_broken",
            "the container is not isolated; nothing was restored into it",
            expected="every isolation probe holds",
            observed=", ".join(open_ways),
        )
    scene.report(
        Finding(
            id="sandbox.isolation_weaker",
            room=Room.SANDBOX,
            severity=Severity.MAJOR,
            title="this machine cannot isolate a process fully",
            expected="every isolation probe holds",
            observed=", ".join(open_ways),
            hint="use `--provider docker`, or run where namespaces are allowed",
            verdict=Verdict.PASSED,
        )
    )


def bring_back(scene: Scene, backup: Backup, sandbox: Sandbox) -> tuple[Restored, Verdict]:
    """Restore, then set the server back to durable settings: that is what would serve."""
    spec = scene.plan.drill.sandbox
    with scene.room(Room.RESTORE):
        restored = scene.plan.engine.restore(
            backup,
            scene.plan.drill.restore.options,
            sandbox,
            jobs=scene.plan.jobs,
            timeout=spec.timeout,
            tell=scene.tell,
        )
        raise_trouble(sandbox)
        scene.tell("setting the server back to durable settings")
        sandbox.start(serving(spec.memory, spec.cpus))
        scene.journal.mark("restored")
    if restored.sha256:
        # Told again, now with the digest that was taken while it was read for restoring.
        facts = backup.facts.model_copy(update={"sha256": restored.sha256})
        scene.journal.append("backup", **facts.model_dump(mode="json"))
    for finding in restored.findings:
        scene.report(finding)
    for what in restored.not_tested:
        scene.journal.append("not_tested", what=what)
    verdicts = tuple(finding.verdict for finding in (*backup.findings, *restored.findings))
    return restored, scene.conclude(Room.RESTORE, (Verdict.PASSED, *verdicts))


def validate(
    scene: Scene,
    backup: Backup,
    restored: Restored,
    sandbox: Sandbox,
    restore_verdict: Verdict,
) -> RestoredDatabase:
    """Run every check; the service counts as validated only when all passed."""
    plan = scene.plan
    database = RestoredDatabase(sandbox.endpoint, restored.database)
    with scene.room(Room.VALIDATE):
        database.prepare()
        results, _ = examine(
            plan.drill.checks,
            database,
            Reference(
                disaster=disaster_of(scene),
                consistent_at=backup.facts.consistent_at,
                structure=restored.expected_structure,
                folder=plan.drill.path.parent,
            ),
            parallel=plan.jobs,
            tell=scene.tell,
            on_result=lambda result, findings: _journal_check(scene, result, findings),
            deadline_seconds=plan.drill.sandbox.timeout.total_seconds(),
        )
        scene.journal.mark("checked")
    verdict = scene.conclude(Room.VALIDATE, tuple(result.verdict for result in results))
    trouble = sandbox.trouble()
    if trouble is not None:
        scene.report(finding_of_trouble(trouble))
    elif verdict == Verdict.PASSED and restore_verdict == Verdict.PASSED:
        scene.journal.mark("validated")
    return database


def disaster_of(scene: Scene) -> datetime:
    """The disaster a lab marked, else the moment the drill was declared."""
    marks = {mark.name: mark.at for mark in scene.run.read().marks}
    return marks.get("disaster", marks["declared"])


def raise_trouble(sandbox: Sandbox) -> None:
    """Even after a success: a server that was OOM-killed comes back and looks fine."""
    trouble = sandbox.trouble()
    if trouble is not None:
        raise error_of_trouble(trouble)


def _journal_check(scene: Scene, result: CheckResult, findings: tuple[Finding, ...]) -> None:
    scene.journal.append("check", **result.model_dump(mode="json"))
    for finding in findings:
        scene.report(finding)
