"""A drill file into a Drill, an environment file into an Environment, or all of their problems."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from drillctl.definition.checks import read_checks
from drillctl.definition.document import Document, Report
from drillctl.definition.drill import CheckSpec, Drill, Objectives, RestoreSpec, SandboxSpec
from drillctl.definition.drill_file import DrillFile, ObjectivesPart, SandboxPart
from drillctl.definition.environment import Environment
from drillctl.definition.fit import fit
from drillctl.definition.guess import did_you_mean, one_of, shown
from drillctl.definition.later import not_yet
from drillctl.definition.load_environment import read_environment
from drillctl.definition.nodes import read_nodes
from drillctl.definition.promises import check_interval, check_source, check_timeout
from drillctl.definition.restore_part import read_restore
from drillctl.definition.secret_scan import report_secrets
from drillctl.definition.source import read_source
from drillctl.definition.vocabulary import Vocabulary
from drillctl.definition.whereabouts import find_environment
from drillctl.errors import DefinitionError, Problem

MEMORY = 2 << 30


def load_drill(path: Path, vocabulary: Vocabulary) -> Drill:
    """Raises DefinitionError with every problem of the drill and of the environment it names."""
    report = open_report(path, "drill")
    report_secrets(report)
    return _Drill(path, report, vocabulary).read()


def load_environment(path: Path, vocabulary: Vocabulary) -> Environment:
    """Raises DefinitionError with every problem of the file."""
    report = open_report(path, "environment")
    report_secrets(report)
    environment = read_environment(path, report, vocabulary)
    if report.problems or environment is None:
        raise DefinitionError(report.problems)
    return environment


def open_report(path: Path, what: str) -> Report:
    """The file as data, to be judged. Raises DefinitionError when it is not a YAML mapping."""
    document = read_nodes(read_source(path))
    report = Report(document)
    if not isinstance(document.data, dict):
        report.add((), f"the file is {shown(document.data)}", expected=f"the keys of a {what}")
        raise DefinitionError(report.problems)
    return report


class _Drill:
    """Reads each part by itself, so that a mistake in one does not hide those of the others."""

    def __init__(self, path: Path, report: Report, vocabulary: Vocabulary) -> None:
        self.path, self.report, self.vocabulary = path, report, vocabulary
        self.data: dict[str, Any] = report.document.data
        self.elsewhere: tuple[Problem, ...] = ()

    def read(self) -> Drill:
        top = self._top()
        objectives = self._objectives()
        environment, document = self._environment()
        restore = read_restore(self.path, self.report, self.vocabulary)
        checks = read_checks(self.report, self.vocabulary)
        sandbox = self._sandbox(objectives)
        if objectives and restore:
            word, place = "restore.backup_interval", ("restore", "backup_interval")
            where = self.report.document.line(place)
            check_interval(self.report, objectives, restore.backup_interval, where, word)
        if objectives and environment and environment.backups and document:
            where = document.line(("backups", "every"))
            check_interval(
                self.report, objectives, environment.backups.every, where, "backups.every"
            )
        if restore and (environment or "environment" not in self.data):
            check_source(self.report, restore, environment)
        return self._drill(
            top=top,
            objectives=objectives,
            environment=environment,
            restore=restore,
            sandbox=sandbox,
            checks=checks,
        )

    def _top(self) -> DrillFile | None:
        later = {key: not_yet("drill", key) for key in self.data}
        for key, message in later.items():
            if message:
                self.report.add((key,), message, hint="take it out", at="key")
        if "restore" not in self.data and "kind" in self.data:
            self.report.add(("kind",), "this looks like an environment, not a drill", at="key")
        here = {key: value for key, value in self.data.items() if not later[key]}
        return fit(DrillFile, here, (), self.report, subject="the drill")

    def _objectives(self) -> Objectives | None:
        if "objectives" not in self.data:
            return None
        part = fit(ObjectivesPart, self.data["objectives"], ("objectives",), self.report)
        return Objectives(rto=part.rto, rpo=part.rpo) if part else None

    def _environment(self) -> tuple[Environment | None, Document | None]:
        written = self.data.get("environment")
        if not isinstance(written, str) or not written.strip():
            return None, None
        found = find_environment(written, self.path, self.report)
        if found is None:
            return None, None
        try:
            report = open_report(found, "environment")
            report_secrets(report)
            by_name = None if written.endswith(found.suffix) else written
            environment = read_environment(found, report, self.vocabulary, name=by_name)
            self.elsewhere = report.problems
        except DefinitionError as error:
            self.elsewhere = error.problems
            return None, None
        return environment, report.document

    def _sandbox(self, objectives: Objectives | None) -> SandboxSpec | None:
        written = self.data.get("sandbox")
        part = fit(SandboxPart, {} if written is None else written, ("sandbox",), self.report)
        if part is None:
            return None
        known = tuple(dict.fromkeys(("auto", *self.vocabulary.providers)))
        if part.provider not in known:
            self.report.add(
                ("sandbox", "provider"),
                f"`sandbox.provider` is {shown(part.provider)}",
                expected=one_of(known),
                hint=did_you_mean(part.provider, known),
            )
        if part.image is not None and part.provider == "process":
            message = "`image` means nothing to the process provider: it runs no container"
            self.report.add(("sandbox", "image"), message, hint="take it out", at="key")
        if objectives is None:
            return None
        return SandboxSpec(
            provider=part.provider,
            image=part.image,
            cpus=part.cpus,
            memory=MEMORY if part.memory is None else part.memory,
            timeout=check_timeout(self.report, part, objectives),
        )

    def _drill(
        self,
        *,
        top: DrillFile | None,
        objectives: Objectives | None,
        environment: Environment | None,
        restore: RestoreSpec | None,
        sandbox: SandboxSpec | None,
        checks: tuple[CheckSpec, ...],
    ) -> Drill:
        problems = (*self.report.problems, *self.elsewhere)
        if problems or not (top and objectives and restore and sandbox):
            raise DefinitionError(problems)
        source = self.report.document.source
        return Drill(
            path=Path(os.path.normpath(self.path.absolute())),
            text=source.text,
            sha256=source.sha256,
            name=top.name,
            service=top.service or top.name,
            tier=top.tier,
            owner=top.owner,
            severity=top.severity,
            objectives=objectives,
            environment=environment,
            schedule=top.schedule,
            restore=_located(restore, environment),
            sandbox=sandbox,
            checks=checks,
        )


def _located(restore: RestoreSpec, environment: Environment | None) -> RestoreSpec:
    """The environment supplies the location where the drill gives none."""
    backups = environment.backups if environment else None
    if restore.location is not None or backups is None:
        return restore
    return replace(restore, location=backups.location)
