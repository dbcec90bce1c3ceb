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
from drillctl.evidence.facts import Finding, Room, Severity
from drillctl.evidence.verdict import Verdict, worst

Connection = psycopg.Connection[tuple[Any, ...]]


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
    ) -> AbstractContextManager[Connection]:
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
    """A module. Errors that escape `run` make the check inconclusive, never passed.

    `spec` is always an instance of the module's own SPEC.
    """

    KIND: str
    SPEC: type[Spec]

    def label(self, spec: Any) -> str:
        """The check's name in a debrief when the drill gives none."""
        ...

    def run(self, spec: Any, database: Database, reference: Reference) -> Observation: ...


class Incomparable(Exception):  # noqa: N818 - it makes a check inconclusive
    """The check as written cannot be compared with what is there. The message holds no values."""


_SEVERITY = {
    Verdict.FAILED: Severity.CRITICAL,
    Verdict.INCONCLUSIVE: Severity.MAJOR,
    Verdict.PASSED: Severity.INFO,
}


def finding(
    cause: str,
    title: str,
    *,
    expected: str = "",
    observed: str = "",
    hint: str = "",
    verdict: Verdict = Verdict.FAILED,
) -> Finding:
    """A finding `validate.<cause>`, as grave as its verdict."""
    return Finding(
        id=f"validate.{cause}",
        room=Room.VALIDATE,
        severity=_SEVERITY[verdict],
        title=title,
        expected=expected,
        observed=observed,
        hint=hint,
        verdict=verdict,
    )


def judged(expected: str, observed: str, *findings: Finding) -> Observation:
    """The observation of a check that looked and compared: passed unless a finding is worse."""
    verdicts = (Verdict.PASSED, *(found.verdict for found in findings))
    return Observation(
        verdict=worst(verdicts), expected=expected, observed=observed, findings=findings
    )
