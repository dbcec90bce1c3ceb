"""An environment document into an Environment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from drillctl.definition.document import Report
from drillctl.definition.environment import BackupSchedule, Environment, Traffic
from drillctl.definition.environment_file import DeployedFile, LabBackupsPart, LabFile, TrafficPart
from drillctl.definition.fit import fit
from drillctl.definition.guess import did_you_mean, shown
from drillctl.definition.later import not_yet
from drillctl.definition.restore_part import find_engine, locate
from drillctl.definition.vocabulary import Vocabulary

EVERY = timedelta(seconds=10)
WARM_UP = timedelta(seconds=25)


def read_environment(
    path: Path, report: Report, vocabulary: Vocabulary, *, name: str | None = None
) -> Environment | None:
    """None after its problems went to `report`. `name` is what it was asked for by, if it was."""
    data = report.document.data
    if not _kind_known(report):
        return None
    later = {key: not_yet("environment", key) for key in data}
    for key, message in later.items():
        if message:
            report.add((key,), message, hint="take it out", at="key")
    here = {key: value for key, value in data.items() if not later[key]}
    subject = f"a {data['kind']} environment"
    written: LabFile | DeployedFile | None
    if data["kind"] == "lab":
        written = fit(LabFile, here, (), report, subject=subject)
    else:
        written = fit(DeployedFile, here, (), report, subject=subject)
    backups = data.get("backups")
    if isinstance(backups, dict):
        find_engine(backups.get("engine"), ("backups", "engine"), report, vocabulary)
    called = data.get("name")
    if name is not None and isinstance(called, str) and called != name:
        report.add(
            ("name",),
            f"this environment is called {shown(called)}, its file {name!r}",
            hint="call both the same",
        )
    if written is None:
        return None
    if isinstance(written, LabFile):
        return _lab(path, written)
    return _deployed(path, written, report)


def _kind_known(report: Report) -> bool:
    data = report.document.data
    if data.get("kind") in ("lab", "deployed"):
        return True
    expected = "one of lab, deployed"
    if "kind" in data:
        hint = did_you_mean(data["kind"], ("lab", "deployed"))
        report.add(("kind",), f"`kind` is {shown(data['kind'])}", expected=expected, hint=hint)
    elif "restore" in data:
        report.add((), "this looks like a drill, not an environment")
    else:
        report.add((), "the environment lacks `kind`", expected=expected)
    return False


def _lab(path: Path, written: LabFile) -> Environment:
    return Environment(
        path=Path(os.path.normpath(path.absolute())),
        name=written.name,
        kind="lab",
        backups=_schedule(written.backups),
        traffic=_traffic(written.traffic),
        warm_up=WARM_UP if written.warm_up is None else written.warm_up,
        postgres_major=written.postgres.major,
    )


def _schedule(written: LabBackupsPart) -> BackupSchedule:
    return BackupSchedule(
        engine=written.engine,
        format=written.format,
        every=written.every or EVERY,
        keep=written.keep,
        location=None,
    )


def _traffic(written: TrafficPart) -> Traffic:
    return Traffic(
        rate=written.rate,
        clients=written.clients,
        seed=written.seed,
        accounts=written.accounts,
        currencies=written.currencies,
    )


def _deployed(path: Path, written: DeployedFile, report: Report) -> Environment:
    backups = written.backups
    schedule = None
    if backups is not None:
        schedule = BackupSchedule(
            engine=backups.engine,
            format="",
            every=backups.every,
            keep=0,
            location=locate(backups.location, path, report, ("backups", "location")),
        )
    return Environment(
        path=Path(os.path.normpath(path.absolute())),
        name=written.name,
        kind="deployed",
        backups=schedule,
        traffic=None,
        warm_up=timedelta(0),
        postgres_major=None,
    )
