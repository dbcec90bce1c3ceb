"""What a backup engine promises: choose, inspect, plan; the one caller in `perform.py` acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import BackupFacts, Finding
from drillctl.sandbox.contract import Mount, Sandbox

Tell = Callable[[str], None]
"""Progress for people: one short line such as `restored 40 of 112 items`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a sandbox must offer for this backup."""

    major: int | None
    newer_ok: bool
    disk_bytes: int
    mounts: tuple[Mount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A chosen backup: opened read-only, looked into, not yet trusted."""

    path: Path
    facts: BackupFacts
    needs: Needs
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a restore plan, for people: what is done and why."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of it. `database` is the one to check; `findings` are empty after a clean restore.

    `expected_structure` is what the archive's own table of contents lists, as (type, schema, name).
    `sha256` was computed beside the restore; empty where it was not.
    """

    database: str
    findings: tuple[Finding, ...]
    not_tested: tuple[str, ...]
    expected_structure: frozenset[tuple[str, str, str]]
    sha256: str = ""


class Engine(Protocol):
    """A module or a small frozen class. Nothing is written to the backup's location, ever."""

    @property
    def name(self) -> str: ...

    @property
    def options(self) -> type[Spec]: ...

    def choose(self, location: Path, select: str, options: Spec) -> Backup:
        """Find the backup under `location` and look into it, without a sandbox.
        Raises RecoveryFailed with a named finding when there is none or it cannot be read."""
        ...

    def plan(self, backup: Backup, options: Spec, jobs: int) -> Sequence[Step]:
        """The steps, as data, for `drillctl plan`."""
        ...

    def restore(
        self,
        backup: Backup,
        options: Spec,
        sandbox: Sandbox,
        *,
        jobs: int,
        timeout: timedelta,
        tell: Tell,
    ) -> Restored:
        """Bring it back into `sandbox`, which has been started with loading settings.
        Raises RecoveryFailed (the backup's fault) or SandboxError (the machine's)."""
        ...
