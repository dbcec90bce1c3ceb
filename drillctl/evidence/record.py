"""record.json: the whole drill as one document (schema `drillctl/record/v1`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from drillctl.evidence.facts import (
    BackupFacts,
    CheckResult,
    Fact,
    Finding,
    Loss,
    Mark,
    Mode,
    PhaseKind,
    SandboxFacts,
    Teardown,
)
from drillctl.evidence.verdict import Status, Verdict

SCHEMA = "drillctl/record/v1"


class DrillFacts(Fact):
    """The promise, as it stood when the run began. `definition` is the file's text."""

    name: str
    service: str
    tier: int
    owner: str
    severity: str
    sha256: str
    definition: str


class ToolFacts(Fact):
    version: str
    python: str = ""
    platform: str = ""


class Phase(Fact):
    """The time between two marks. `counts` is False for what is not part of the RTA.

    `began_seconds` is counted from the journal's opening. `finished` is False for a phase that the
    drill entered and never left: where it stopped.
    """

    name: str
    began_seconds: float
    seconds: float
    finished: bool = True
    kind: PhaseKind
    counts: bool = True


class RtoResult(Fact):
    """`actual_seconds` is None when the service was never validated; then `at_least_seconds`
    says how long the drill had run when it ended."""

    objective_seconds: float | None
    actual_seconds: float | None
    at_least_seconds: float | None = None
    verdict: Verdict


class RpoResult(Fact):
    """`method` says where the recovery point was read; `lost_writes` is None when no ledger of
    acknowledged writes exists to count with."""

    objective_seconds: float | None
    actual_seconds: float | None
    verdict: Verdict
    method: str
    lost_writes: int | None = None
    lost_amounts: dict[str, Decimal] = Field(default_factory=dict)
    ledger: Loss | None = None


class SandboxRecord(SandboxFacts):
    destroyed: bool | None


class Statuses(Fact):
    restore: Status = Status.NOT_RUN
    validate_: Status = Field(default=Status.NOT_RUN, alias="validate")
    cutover: Status = Status.NOT_RUN
    failback: Status = Status.NOT_RUN
    drift: Status = Status.NOT_RUN
    comms: Status = Status.NOT_RUN
    cleanup: Status = Status.NOT_RUN

    def items(self) -> tuple[tuple[str, Status], ...]:
        """(room, status) in the order of a drill."""
        return tuple(self.model_dump(by_alias=True).items())


class JournalFacts(Fact):
    """`head` is the hash of the last entry that this record was assembled from."""

    entries: int
    head: str
    intact: bool


class DrillRecord(Fact):
    # The schema tag is the document's own first key; pydantic's `schema` is a deprecated method.
    schema_: Literal["drillctl/record/v1"] = Field(default="drillctl/record/v1", alias="schema")
    run_id: str
    mode: Mode
    outcome: Literal["finished", "interrupted", "crashed", "running"]
    drill: DrillFacts
    tool: ToolFacts
    environment: str
    backup: BackupFacts | None
    sandbox: SandboxRecord | None
    marks: tuple[Mark, ...]
    phases: tuple[Phase, ...]
    rto: RtoResult
    rpo: RpoResult
    statuses: Statuses
    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]
    not_tested: tuple[str, ...]
    teardown: Teardown | None
    journal: JournalFacts
    verdict: Verdict

    def to_json(self) -> str:
        return self.model_dump_json(by_alias=True, indent=2) + "\n"


def record_from_json(text: str) -> DrillRecord:
    """Raises pydantic.ValidationError when `text` is not a record of this schema."""
    return DrillRecord.model_validate_json(text)


def record_schema() -> dict[str, Any]:
    """JSON Schema of `record.json`."""
    return DrillRecord.model_json_schema(by_alias=True, mode="serialization")
