"""What may be written in a drill file: models at the YAML edge, descriptions for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from drillctl.definition.cron import parse_cron
from drillctl.definition.targets import Stop, check_target
from drillctl.definition.units import Duration, Size, format_size

_LEAST_MEMORY = 32 << 20


class Written(BaseModel):
    """Parent of what is written in a file: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _longer_than_zero(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("this must be longer than 0s")
    return value


def _one_line(value: str) -> str:
    if not value.strip():
        raise ValueError("this is empty")
    if "\n" in value or len(value) > 200:
        raise ValueError("this must be one line of at most 200 characters")
    return value


def _enough_memory(value: int) -> int:
    if value < _LEAST_MEMORY:
        raise ValueError(f"Postgres needs at least {format_size(_LEAST_MEMORY)}")
    return value


Memory = Annotated[Size, AfterValidator(_enough_memory)]
Span = Annotated[Duration, AfterValidator(_longer_than_zero)]
Line = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=200)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,63}$")]
Cron = Annotated[str, AfterValidator(parse_cron)]


class DrillFile(Written):
    """One drill: what is promised, what is restored, where, and what is checked."""

    name: Slug = Field(
        description="the drill's own name: 1 to 63 of the characters a-z, 0-9 and `-`"
    )
    service: Line | None = Field(
        None, description="the service that is drilled; the drill's name when left out"
    )
    tier: int = Field(3, ge=1, le=4, description="how much depends on it: 1 (critical) to 4")
    owner: str = Field("", max_length=200, description="who acts when the drill fails")
    severity: Line = Field("P3", description="how a failed drill is ranked, such as P1")
    objectives: Any = Field(description="the promise: `rto`, and `rpo` where data loss is promised")
    environment: Line | None = Field(
        None,
        description="the name of `environments/<name>.yaml`, or a path ending in .yaml; may be "
        "left out of a drill that only restores a backup",
    )
    schedule: Cron | None = Field(
        None, description='when it runs: five cron fields in UTC, such as "0 3 * * SUN"'
    )
    restore: Any = Field(description="what is restored: `engine`, and where the backups are")
    sandbox: Any = Field(None, description="where it is restored: provider, image and limits")
    checks: Any = Field(
        None, alias="validate", description="what is checked on the restored copy: a list"
    )


class ObjectivesPart(Written):
    """The promise."""

    rto: Span = Field(description="the recovery time objective: back in service within this time")
    rpo: Duration | None = Field(
        None, description="the recovery point objective: at most this much data is lost, as time"
    )


class TargetPart(Written):
    """Where replay should stop."""

    stop: Stop = Field("latest", description="where replay stops")
    value: Any = Field(
        None, description="the time (RFC 3339 with a zone), LSN, name or transaction id to stop at"
    )

    @model_validator(mode="after")
    def _value_fits(self) -> TargetPart:
        check_target(self.stop, self.value)
        return self


class RestorePart(Written):
    """What is restored. The engine's own keys stand beside these."""

    engine: str = Field(description="the tool that made the backup")
    location: Line | None = Field(
        None,
        alias="from",
        description="the backup, or the folder with the backups; relative to this file. The "
        "environment supplies it when left out",
    )
    select: Line = Field("latest", description="which backup: `latest`, or a label")
    recovery_target: TargetPart = Field(
        default_factory=lambda: TargetPart(stop="latest", value=None),
        description="where replay should stop",
    )
    backup_interval: Span | None = Field(
        None, description="how often backups are taken: an rpo shorter than this cannot be met"
    )


class SandboxPart(Written):
    """Somewhere safe to restore into."""

    provider: str = Field("auto", description="`auto` takes Docker where an engine answers")
    image: Line | None = Field(None, description="a Docker image that has Postgres binaries")
    cpus: float = Field(2, gt=0, le=1024, description="processors the sandbox may use")
    memory: Memory | None = Field(
        None,
        description="memory the sandbox may use, such as 4GiB",
        json_schema_extra={"default": "2GiB"},
    )
    timeout: Span | None = Field(
        None,
        description="the sandbox is destroyed after this time whatever comes; not shorter than "
        "the rto. 30m, or twice the rto if that is longer, when left out",
    )


class CheckPart(Written):
    """Keys that every check may have beside its own."""

    name: Line | None = Field(None, description="the check's name in a debrief")
    deadline: Span | None = Field(
        None,
        description="the check is inconclusive after this time",
        json_schema_extra={"default": "5m"},
    )


Kind = Literal["lab", "deployed"]
