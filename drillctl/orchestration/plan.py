"""A plan is data: what a drill would do, for `drillctl plan` to print and `rehearse` to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from drillctl.definition.drill import CheckSpec, Drill
from drillctl.definition.units import format_duration, format_size
from drillctl.errors import NamedError
from drillctl.restore.catalogue import ENGINES
from drillctl.restore.contract import Backup, Engine
from drillctl.sandbox.contract import Order, Provider
from drillctl.sandbox.selection import choose_provider
from drillctl.validate.catalogue import CHECKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line says over the drill file; None keeps the file's word."""

    provider: str | None = None
    image: str | None = None
    select: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`jobs` is the number of parallel workers for restoring and for checking."""

    drill: Drill
    engine: Engine
    jobs: int

    @property
    def has_lab(self) -> bool:
        environment = self.drill.environment
        return environment is not None and environment.kind == "lab"

    @property
    def location(self) -> Path | None:
        """Where the backups are; None when a lab will say."""
        environment = self.drill.environment
        if self.drill.restore.location is not None or environment is None:
            return self.drill.restore.location
        return environment.backups.location if environment.backups else None


def make_plan(drill: Drill, overrides: Overrides) -> Plan:
    """`overrides` win over the drill file."""
    sandbox = replace(
        drill.sandbox,
        provider=overrides.provider or drill.sandbox.provider,
        image=overrides.image or drill.sandbox.image,
    )
    restore = replace(drill.restore, select=overrides.select or drill.restore.select)
    return Plan(
        drill=replace(drill, sandbox=sandbox, restore=restore),
        engine=ENGINES[drill.restore.engine],
        jobs=max(1, round(drill.sandbox.cpus)),
    )


def order_for(plan: Plan, run_id: str, backup: Backup) -> Order:
    """The sandbox that this backup needs."""
    sandbox = plan.drill.sandbox
    return Order(
        run_id=run_id,
        role="restore",
        major=backup.needs.major,
        newer_ok=backup.needs.newer_ok,
        image=sandbox.image,
        cpus=sandbox.cpus,
        memory=sandbox.memory,
        timeout=sandbox.timeout,
        disk_needed=backup.needs.disk_bytes,
        mounts=backup.needs.mounts,
    )


def outline(plan: Plan) -> tuple[str, ...]:
    """The plan in lines. Looks into the backup and at the machine; makes nothing."""
    drill, lines = plan.drill, []
    if plan.has_lab and drill.environment is not None:
        lines += [
            f"bring up lab `{drill.environment.name}`, let its production run "
            f"{format_duration(drill.environment.warm_up)}, and lose its primary",
        ]
    lines.append("mark declared: the RTO clock starts here")
    lines += _restore_lines(plan)
    lines += [f"check {_label(spec)} ({spec.kind})" for spec in drill.checks]
    lines.append("mark validated: the RTO clock stops here, if every check passed")
    if plan.has_lab:
        lines.append("reconcile every acknowledged transfer with the restored database")
    lines.append("destroy everything, look again, and write the debrief")
    return tuple(lines)


def _label(spec: CheckSpec) -> str:
    return spec.name or CHECKS[spec.kind].label(spec.spec)


def _restore_lines(plan: Plan) -> Sequence[str]:
    location = plan.location
    if location is None:
        return [
            f"choose the {plan.drill.restore.select} backup of the lab ({plan.engine.name})",
            f"restore it in a sandbox ({plan.drill.sandbox.provider})",
        ]
    try:
        backup = plan.engine.choose(location, plan.drill.restore.select, plan.drill.restore.options)
        lines = [
            f"choose backup {backup.facts.label} ({backup.facts.format}, "
            f"{format_size(backup.facts.size_bytes)}) at {backup.facts.location}",
            *_sandbox_lines(plan, backup),
        ]
    except NamedError as error:
        return [f"STOPS HERE: {error.message} ({error.finding})"]
    steps = plan.engine.plan(backup, plan.drill.restore.options, plan.jobs)
    return [*lines, *(f"{step.title}: {step.detail}" for step in steps)]


def _sandbox_lines(plan: Plan, backup: Backup) -> Sequence[str]:
    order = order_for(plan, "RUN", backup)
    provider: Provider = choose_provider(plan.drill.sandbox.provider, order)
    return provider.describe(order)
