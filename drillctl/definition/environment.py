"""An environment, frozen: a lab that drillctl brings up, or a deployed one that it only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Payments per second, kept up on a fixed schedule over `clients` connections."""

    rate: float
    clients: int
    seed: int
    accounts: int
    currencies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSchedule:
    """`location` is None for a lab, which keeps its backups in its own folder.

    `format` is empty and `keep` 0 for a deployed environment, whose backups others take.
    """

    engine: str
    format: str
    every: timedelta
    keep: int
    location: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`warm_up` is how long a lab's production runs before a drill loses it. `path` is absolute.

    A lab always has traffic and backups; a deployed environment has no traffic and no warm-up.
    """

    path: Path
    name: str
    kind: Literal["lab", "deployed"]
    backups: BackupSchedule | None
    traffic: Traffic | None
    warm_up: timedelta
    postgres_major: int | None
