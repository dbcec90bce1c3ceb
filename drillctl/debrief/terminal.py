"""The verdict block: what a person reads in five seconds when a drill ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from drillctl.debrief.figures import amounts_shown, lost_shown, measures
from drillctl.debrief.headline import WORDS, headline
from drillctl.debrief.order import count_checks, findings_worst_first
from drillctl.debrief.plain import one_line, plain_record
from drillctl.evidence.facts import Finding
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Verdict

_STYLES = {
    Verdict.PASSED: "green",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.FAILED: "red",
    None: "dim",
}
_MARKS = {Verdict.PASSED: "✔", Verdict.INCONCLUSIVE: "?", Verdict.FAILED: "✘"}
_ASCII = {"✔": "+", "✘": "x", "…": "...", "“": '"', "”": '"'}
_MOST_FINDINGS = 5
_WIDEST = 100

Fit = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class VerdictBlock:
    """Rendered by rich: in colour on a terminal, as plain text elsewhere, in ASCII where the
    stream's encoding has nothing more."""

    record: DrillRecord

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        fit = _to_ascii if options.ascii_only else str
        narrow = options.update(width=min(options.max_width, _WIDEST))
        for part in _parts(self.record, fit):
            yield from console.render(part, narrow)


def verdict_block(record: DrillRecord) -> VerdictBlock:
    """For `Console.print`: verdict, reason, measures, losses, checks, findings, gaps."""
    return VerdictBlock(plain_record(record))


def _to_ascii(text: str) -> str:
    for sign, plainer in _ASCII.items():
        text = text.replace(sign, plainer)
    return text.encode("ascii", "replace").decode("ascii")


def _parts(record: DrillRecord, fit: Fit) -> Iterator[RenderableType]:
    style = f"bold {_STYLES[record.verdict]}"
    title = Text(fit(f"{_MARKS[record.verdict]} {WORDS[record.verdict].upper()}"), style=style)
    yield title.append(fit(f"  {one_line(record.drill.name, 120)}"), style="bold not dim default")
    yield Padding(Text(fit(headline(record))), (0, 0, 1, 2))
    yield Padding(_figures(record, fit), (0, 0, 0, 2))
    yield from _findings(record, fit)
    untested = len(record.not_tested)
    if untested:
        noun = "thing was" if untested == 1 else "things were"
        yield Padding(Text(f"{untested} {noun} not tested; the debrief names them"), (1, 0, 0, 2))


def _figures(record: DrillRecord, fit: Fit) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=6, no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for measure in measures(record):
        told = Text(f"{measure.shown:<17} ", style="bold")
        told.append(f"{measure.objective_name} {measure.objective_shown:<8} ", style="not bold")
        told.append(measure.outcome, style=f"not bold {_STYLES[measure.verdict]}")
        grid.add_row(measure.actual_name, told)
    grid.add_row("lost", Text(fit(_lost(record))))
    grid.add_row("checks", _tally(record))
    return grid


def _lost(record: DrillRecord) -> str:
    amounts = ", ".join(f"{amount} {code}" for code, amount in amounts_shown(record))
    doubt = record.rpo.ledger is not None and not record.rpo.ledger.reconciles
    return (
        lost_shown(record)
        + (f": {amounts}" if amounts else "")
        + (" (the ledger does not reconcile)" if doubt else "")
    )


def _tally(record: DrillRecord) -> Text:
    counts = count_checks(record)
    if not record.checks:
        return Text("none ran", style="yellow")
    parts = [
        Text(f"{counts[verdict]} {verdict.value}", style=_STYLES[verdict])
        for verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED)
        if counts[verdict]
    ]
    return Text(", ").join(parts)


def _findings(record: DrillRecord, fit: Fit) -> Iterator[RenderableType]:
    found = [each for each in findings_worst_first(record) if each.verdict != Verdict.PASSED]
    for number, finding in enumerate(found[:_MOST_FINDINGS]):
        yield Padding(_finding(finding, fit), (0 if number else 1, 0, 0, 2))
    if len(found) > _MOST_FINDINGS:
        yield Padding(Text(f"and {len(found) - _MOST_FINDINGS} more findings"), (0, 0, 0, 4))


def _finding(finding: Finding, fit: Fit) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1, style=_STYLES[finding.verdict])
    grid.add_column(overflow="fold")
    title = Text(fit(one_line(finding.title, 160)))
    grid.add_row(
        fit(_MARKS[finding.verdict]), title.append(f"  {fit(one_line(finding.id, 60))}", "dim")
    )
    if finding.hint:
        grid.add_row("", Text(fit(f"what to do: {one_line(finding.hint, 240)}")))
    return grid
