"""A drill, frozen: what is promised, what is restored, where, and what is checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from drillctl.definition.environment import Environment
from drillctl.definition.targets import Stop
from drillctl.definition.vocabulary import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """The promise. `rpo` may be left out only when nothing about data loss is promised."""

    rto: timedelta
    rpo: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryTarget:
    """Where replay should stop. `value` is None for latest and immediate."""

    stop: Stop
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSpec:
    """What to bring back. `location` is an absolute path, or None when a lab supplies it.

    `options` is the engine's own model (its class comes from the vocabulary); `backup_interval` is
    how often the drill says that backups are taken, beside what its environment says.
    """

    engine: str
    location: Path | None
    select: str
    options: Spec
    recovery_target: RecoveryTarget = RecoveryTarget(stop="latest", value=None)
    backup_interval: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSpec:
    """`memory` in bytes; `image` is for Docker alone; `timeout` ends the sandbox whatever comes."""

    provider: str
    image: str | None
    cpus: float
    memory: int
    timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """One item of `validate:`. `spec` is the check's own model; `line` is where it was written.

    `name` is empty when the drill gives none; the check's own label stands for it then.
    """

    kind: str
    name: str
    spec: Spec
    deadline: timedelta
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """`path` is absolute; `text` has no byte order mark; `sha256` is of the file's bytes."""

    path: Path
    text: str
    sha256: str
    name: str
    service: str
    tier: int
    owner: str
    severity: str
    objectives: Objectives
    environment: Environment | None
    schedule: str | None
    restore: RestoreSpec
    sandbox: SandboxSpec
    checks: tuple[CheckSpec, ...]
