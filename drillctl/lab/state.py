"""What the keeper says about itself: one small file, replaced whole."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError

from drillctl.errors import SandboxError
from drillctl.evidence.facts import Fact
from drillctl.evidence.owner import Owner
from drillctl.evidence.runs import write_atomically

STATE = "state.json"


class Phase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    LOSING = "losing"
    LOST = "lost"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in (Phase.LOST, Phase.STOPPED, Phase.FAILED)


class BackupTaken(Fact):
    """`ok` is False for one that did not finish; it stays under its temporary name."""

    name: str
    began_at: datetime
    ended_at: datetime
    size_bytes: int
    ok: bool


class Counts(Fact):
    """Transfers sent since production began. `seeded` ones were there before; `late_seconds` is
    the worst delay of one behind its schedule; `refusals` are counted by SQLSTATE."""

    seeded: int = 0
    attempted: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    late_seconds: float = 0.0
    refusals: dict[str, int] = Field(default_factory=dict)
    last_acknowledged_at: datetime | None = None


class LabState(Fact):
    """`disaster_at` was read just before the primary was killed. `left` is what could not be
    removed. `finding`, `reason` and `hint` are set when it failed."""

    owner: dict[str, str | int]
    run_id: str
    phase: Phase
    doing: str = ""
    updated_at: datetime
    finding: str = ""
    reason: str = ""
    hint: str = ""
    provider: str = ""
    server: str = ""
    ready_at: datetime | None = None
    disaster_at: datetime | None = None
    disaster_steady: float | None = None
    counts: Counts = Field(default_factory=Counts)
    backups: tuple[BackupTaken, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def keeper(self) -> Owner:
        return Owner.from_dict(self.owner)

    @property
    def newest_backup(self) -> BackupTaken | None:
        complete = [backup for backup in self.backups if backup.ok]
        return complete[-1] if complete else None


def write_state(folder: Path, state: LabState) -> None:
    write_atomically(folder / STATE, state.model_dump_json(indent=2) + "\n")


def read_state(folder: Path) -> LabState | None:
    """None before the keeper wrote one. Raises SandboxError when it is not one of ours."""
    try:
        return LabState.model_validate_json((folder / STATE).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise SandboxError(
            "lab.state_unreadable",
            "the lab's state file cannot be read",
            observed=str(folder / STATE),
            hint="remove the lab's folder after `drillctl sweep`",
        ) from error
