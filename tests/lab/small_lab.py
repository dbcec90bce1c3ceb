"""The environment of a lab that is small enough for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from drillctl.definition.environment import BackupSchedule, Environment, Traffic
from drillctl.lab.lab import Lab

MakeLab = Callable[..., Lab]


def lab_environment(
    *, rate: float = 50, every: float = 2, accounts: int = 60, form: str = "custom"
) -> Environment:
    return Environment(
        path=Path("/lab.yaml"),
        name="lab",
        kind="lab",
        backups=BackupSchedule(
            engine="pg_dump", format=form, every=timedelta(seconds=every), keep=3, location=None
        ),
        traffic=Traffic(
            rate=rate, clients=4, seed=7, accounts=accounts, currencies=("EUR", "USD", "GBP")
        ),
        warm_up=timedelta(seconds=1),
        postgres_major=None,
    )


def a_lab(
    folder: Path,
    *,
    detach: bool = False,
    provider: str = "process",
    image: str | None = None,
    **shape: Any,
) -> Iterator[Lab]:
    """A running one; `shape` is for its environment. Nothing is left of it afterwards."""
    lab = Lab.bring_up(
        lab_environment(**shape),
        folder=folder,
        provider=provider,
        image=image,
        run_id=f"test-{uuid4().hex[:12]}",
        tell=lambda line: None,
        detach=detach,
    )
    try:
        yield lab
    finally:
        assert lab.down() == ()
