"""What a check promises, and what it gets to work with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg

from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the drill already knows that a check may compare with.

    `disaster` is the moment the data was lost (a lab's mark, or when the drill was declared);
    `structure` is the archive's own table of contents; `folder` is where the drill file lies.
    """

    disaster: datetime
    consistent_at: datetime | None
    structure: frozenset[tuple[str, str, str]]
    folder: Path


class Database(Protocol):
    """The restored database, for reading only."""

    def session(
        self, settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[psycopg.Connection[tuple[Any, ...]]]:
        """A read-only session that asked the sandbox's nonce back. Index scans, row security and
        damage-hiding settings are off (a damaged index lies to the checker)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a check saw. Never holds a row's values: keys, counts and names only."""

    verdict: Verdict
    expected: str
    observed: str
    findings: tuple[Finding, ...] = ()


class Check(Protocol):
    """A module. Errors that escape `run` make the check inconclusive, never passed."""

    KIND: str
    SPEC: type[Spec]

    def label(self, spec: Spec) -> str:
        """The check's name in a debrief when the drill gives none."""
        ...

    def run(self, spec: Spec, database: Database, reference: Reference) -> Observation: ...
