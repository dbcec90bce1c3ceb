"""The facts that a journal holds and a record repeats. Frozen; UTC datetimes; seconds as floats.

No fact holds a row of restored data or a secret: keys, counts, digests and names only.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from drillctl.evidence.verdict import Verdict


class Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Severity(StrEnum):
    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


class Room(StrEnum):
    """Whose finding or status it is."""

    RESTORE = "restore"
    VALIDATE = "validate"
    CUTOVER = "cutover"
    FAILBACK = "failback"
    DRIFT = "drift"
    COMMS = "comms"
    SANDBOX = "sandbox"
    LAB = "lab"
    CLEANUP = "cleanup"
    ORCHESTRATION = "orchestration"


class Finding(Fact):
    """Something a person must know. `id` is stable and dotted (`restore.archive_truncated`).

    `verdict` is what the finding forces on its room: failed, inconclusive, or passed (a note).
    """

    id: str
    room: Room
    severity: Severity
    title: str
    expected: str = ""
    observed: str = ""
    hint: str = ""
    verdict: Verdict


class Mark(Fact):
    """A named moment: `at` on the wall clock, `elapsed_seconds` on the steady one since opening."""

    name: str
    at: datetime
    elapsed_seconds: float


class CheckResult(Fact):
    name: str
    kind: str
    verdict: Verdict
    expected: str
    observed: str
    seconds: float


class BackupFacts(Fact):
    """The backup that was chosen, read from the backup itself.

    `consistent_at` is the recovery point it promises; `consistent_at_method` says where it was
    read; None when the backup does not say.
    """

    engine: str
    label: str
    location: str
    format: str
    size_bytes: int
    consistent_at: datetime | None
    consistent_at_method: str
    source_database: str = ""
    source_version: str = ""
    sha256: str = ""


class IsolationProbe(Fact):
    """One thing that must not be possible from inside, tried from inside.

    `held` is None when it could not be tried."""

    name: str
    held: bool | None
    detail: str


class SandboxFacts(Fact):
    """What the restore ran in. `isolation` is what was proved from inside."""

    name: str
    provider: str
    image: str
    server_version: str
    isolation: tuple[IsolationProbe, ...] = ()


class Loss(Fact):
    """Acknowledged writes against the recovered database, from the lab's own ledger.

    Amounts are decimal sums per currency. `reconciles` is True when every acknowledged write is
    accounted for exactly once and every recovered row is known to the ledger. `altered` counts
    survivors whose currency or amount is not what was acknowledged.
    """

    acknowledged: int
    survived: int
    lost: int
    unacked_survived: int
    duplicated: int
    unknown: int = 0
    altered: int = 0
    lost_amounts: dict[str, Decimal]
    first_lost_at: datetime | None
    last_survived_at: datetime | None
    last_acknowledged_at: datetime | None
    recovered_rows: int
    reconciles: bool


class Teardown(Fact):
    """`destroyed` is True when every side effect was looked for and not found, None when we could
    not look, False when something is still there (named in `left`)."""

    destroyed: bool | None
    left: tuple[str, ...] = ()
    detail: str = ""


Mode = Literal["drill", "live"]
PhaseKind = Literal["machine", "human"]
