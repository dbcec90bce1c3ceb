"""What may be written in an environment file: a lab of our own, or a deployed one we only read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from drillctl.definition.drill_file import Line, Slug, Span, Written
from drillctl.definition.units import Duration, Rate

# Three internal accounts, two customers and a merchant: someone to pay, and someone to be paid.
_ACCOUNTS_PER_CURRENCY = 6
_NAME = "the environment's name, the same as the file's without .yaml"
Format = Literal[
    "custom", "directory", "tar", "plain", "plain.gz", "plain.zst", "plain.xz", "plain.lz4"
]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="a code such as EUR")]


class PostgresPart(Written):
    """The server of the lab's production."""

    major: int | None = Field(
        None, ge=15, le=99, description="its major version; any that the machine has if left out"
    )


class TrafficPart(Written):
    """Payments on a fixed schedule over a few connections."""

    rate: Rate = Field(50.0, gt=0, le=10_000, description="payments per second, such as 50/s")
    clients: int = Field(4, ge=1, le=200, description="connections that pay at the same time")
    seed: int = Field(7, ge=0, description="the same seed makes the same payments")
    accounts: int = Field(500, ge=6, le=1_000_000, description="accounts at the start")
    currencies: tuple[Currency, ...] = Field(
        ("EUR", "USD", "GBP"), min_length=1, description="currencies of the accounts"
    )

    @field_validator("currencies")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({code for code in value if value.count(code) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands here more than once")
        return value

    @model_validator(mode="after")
    def _enough_accounts(self) -> TrafficPart:
        least = _ACCOUNTS_PER_CURRENCY * len(self.currencies)
        if self.accounts < least:
            raise ValueError(f"{len(self.currencies)} currencies need at least {least} accounts")
        return self


class LabBackupsPart(Written):
    """Backups that the lab takes of itself."""

    engine: str = Field("pg_dump", description="the tool that takes them")
    format: Format = Field("custom", description="pg_dump's format")
    every: Span | None = Field(
        None, description="how often one begins", json_schema_extra={"default": "10s"}
    )
    keep: int = Field(5, ge=1, le=1000, description="how many are kept")


class DeployedBackupsPart(Written):
    """Backups that somebody else takes; drillctl only reads them."""

    engine: str = Field(description="the tool that takes them")
    every: Span = Field(description="how often one begins: an rpo must not be shorter")
    location: Line | None = Field(
        None, description="the folder they are in, relative to this file; or a drill says `from`"
    )


class LabFile(Written):
    """A small production of our own to lose: drillctl brings it up and takes it down."""

    name: Slug = Field(description=_NAME)
    kind: Literal["lab"] = Field(description="a lab, which drillctl makes itself")
    postgres: PostgresPart = Field(
        default_factory=lambda: PostgresPart(major=None), description="the lab's server"
    )
    traffic: TrafficPart = Field(
        default_factory=lambda: TrafficPart.model_validate({}), description="the lab's payments"
    )
    backups: LabBackupsPart = Field(
        default_factory=lambda: LabBackupsPart.model_validate({}),
        description="the backups it takes of itself",
    )
    warm_up: Duration | None = Field(
        None,
        description="how long production runs before a drill loses it",
        json_schema_extra={"default": "25s"},
    )


class DeployedFile(Written):
    """An environment that somebody else runs: drillctl only reads its backups."""

    name: Slug = Field(description=_NAME)
    kind: Literal["deployed"] = Field(description="run by somebody else, only read by drillctl")
    backups: DeployedBackupsPart | None = Field(None, description="where its backups are")
