"""The verdict block on standard output: what a person reads in five seconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drillctl.evidence.record import DrillRecord


def show_verdict(record: DrillRecord, folder: Path) -> None:
    from rich.console import Console

    from drillctl.debrief.terminal import verdict_block

    Console(highlight=False).print(verdict_block(record))
    click.echo(f"debrief: {folder / 'debrief.html'}")
