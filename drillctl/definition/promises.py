"""What a file may say in each of its parts, and yet not as a whole."""

from __future__ import annotations

from datetime import timedelta

from drillctl.definition.document import Report
from drillctl.definition.drill import Objectives, RestoreSpec
from drillctl.definition.drill_file import SandboxPart
from drillctl.definition.environment import Environment
from drillctl.definition.units import format_duration

_LEAST_TIMEOUT = timedelta(minutes=30)


def check_interval(
    report: Report, objectives: Objectives, interval: timedelta | None, place: str, word: str
) -> None:
    """An rpo shorter than the time between two backups cannot be met by restoring one."""
    rpo = objectives.rpo
    if rpo is None or interval is None or rpo >= interval:
        return
    report.add(
        ("objectives", "rpo"),
        f"the rpo of {format_duration(rpo)} is shorter than the backup interval of "
        f"{format_duration(interval)} (`{word}`, {place})",
        expected=f"an rpo of at least {format_duration(interval)}",
        hint="take backups more often, or promise less",
    )


def check_source(report: Report, restore: RestoreSpec, environment: Environment | None) -> None:
    """There must be a backup from somewhere, made by the engine that is to restore it."""
    backups = environment.backups if environment else None
    supplied = environment is not None and (
        environment.kind == "lab" or (backups and backups.location)
    )
    if restore.location is None and not supplied:
        said = (
            "its environment does not say where backups are"
            if environment
            else "the drill names no environment"
        )
        report.add(
            ("restore",),
            f"there is nothing to restore: `restore` has no `from`, and {said}",
            hint="write `from:` with a path, or an `environment:` whose backups have a location",
            at="key",
        )
    if restore.location is None and backups is not None and backups.engine != restore.engine:
        report.add(
            ("restore", "engine"),
            f"the drill restores with {restore.engine}, but the environment's backups are made "
            f"with {backups.engine}",
            hint="use the same engine, or write `from:` with a backup made by it",
        )


def check_timeout(report: Report, sandbox: SandboxPart, objectives: Objectives) -> timedelta:
    """The sandbox's time limit. One that ends before the rto could not measure a miss."""
    if sandbox.timeout is None:
        return max(_LEAST_TIMEOUT, 2 * objectives.rto)
    if sandbox.timeout < objectives.rto:
        report.add(
            ("sandbox", "timeout"),
            f"the sandbox is destroyed after {format_duration(sandbox.timeout)}, before the rto of "
            f"{format_duration(objectives.rto)} has passed",
            expected=f"at least {format_duration(objectives.rto)}; more, to see by how much it is "
            "missed",
        )
    return sandbox.timeout
