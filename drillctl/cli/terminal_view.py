"""The live view: facts scroll by; one line below them says what happens now, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO, cast

from rich.console import Console
from rich.live import Live as Region
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from drillctl.cli.story import stamp
from drillctl.definition.units import format_duration

if TYPE_CHECKING:
    from drillctl.cli.live import Unbreakable
    from drillctl.cli.story import Line

_STYLES = {
    "passed": ("✔", "green"),
    "failed": ("✘", "bold red"),
    "inconclusive": ("?", "yellow"),
    "moment": ("●", "bold"),
    "detail": (" ", "dim"),
}
_ASCII = {"✔": "+", "✘": "x", "●": "*"}


class TerminalView:
    """`now` gives the seconds since the journal was opened."""

    def __init__(self, out: Unbreakable, drill: str, now: Callable[[], float]) -> None:
        self._console = Console(file=cast("TextIO", out), highlight=False)
        self._ascii = self._console.options.ascii_only
        self._now = now
        self._phase = f"drill {drill}"
        self._since = 0.0
        self._progress = ""
        self._spinner = Spinner("line" if self._ascii else "dots", style="cyan")
        self._region = Region(
            get_renderable=self._status,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def start(self) -> None:
        self._region.start()

    def stop(self) -> None:
        self._region.stop()

    def fact(self, elapsed: float, line: Line, phase: str) -> None:
        mark, style = _STYLES[line.tone]
        text = Text(f"{stamp(elapsed)} ", style="dim")
        text.append(f" {_ASCII.get(mark, mark) if self._ascii else mark} ", style=style)
        text.append(line.text, style="dim" if line.tone == "detail" else "not dim")
        self._console.print(text, soft_wrap=False)
        if phase and phase != self._phase:
            self._phase, self._since, self._progress = phase, elapsed, ""

    def progress(self, elapsed: float, text: str) -> None:
        self._progress = text

    def _status(self) -> Table:
        elapsed = self._now()
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=7, justify="right", no_wrap=True)
        grid.add_column(width=1)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        told = Text(self._phase, style="bold")
        told.append(f" {format_duration(max(0.0, elapsed - self._since))}", style="not bold dim")
        told.append(f"  {self._progress}", style="not bold")
        grid.add_row(Text(stamp(elapsed), style="dim"), self._spinner, told)
        return grid
