"""The verdict block on standard output: what a person reads in five seconds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from drillctl.evidence.record import DrillRecord


def show_verdict(record: DrillRecord, folder: Path) -> None:
    from rich.console import Console

    from drillctl.cli.live import Unbreakable
    from drillctl.debrief.terminal import verdict_block

    out = cast("TextIO", Unbreakable(sys.stdout))
    Console(file=out, highlight=False).print(verdict_block(record))
    out.write(f"debrief: {folder / 'debrief.html'}\n")
    out.flush()
