"""The phases as a waterfall: one small SVG a row, in percent units, on a shared axis."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from drillctl.debrief.figures import share
from drillctl.definition.units import format_duration
from drillctl.evidence.record import DrillRecord, Phase

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One phase: what to say, and its bar."""

    name: str
    kind: str
    counts: str
    took: str
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`axis` is the scale under the rows; `span` what the band behind the rows stands for."""

    rows: tuple[Row, ...]
    axis: Markup
    span: str


def timeline(record: DrillRecord) -> Timeline | None:
    """None when no phase was entered."""
    if not record.phases:
        return None
    first = min(phase.began_seconds for phase in record.phases)
    whole = max(phase.began_seconds + phase.seconds for phase in record.phases) - first
    ticks = _ticks(whole)
    ground = _band(record, first, whole) + _grid(ticks, whole)
    rows = tuple(
        Row(
            name=phase.name,
            kind=phase.kind,
            counts="counts into the RTA" if phase.counts else "not part of the RTA",
            took=format_duration(phase.seconds) + ("" if phase.finished else ", not finished"),
            bar=_svg(ground + _phase_bar(phase, first, whole)),
        )
        for phase in record.phases
    )
    return Timeline(rows=rows, axis=_axis(ticks, whole), span=_span(record))


def _ticks(whole: float) -> tuple[float, ...]:
    step = next((step for step in _STEPS if whole / step <= _MOST_TICKS), _STEPS[-1])
    while whole / step > _MOST_TICKS:
        step *= 2
    return tuple(float(n * step) for n in range(int(whole // step) + 1))


def _grid(ticks: tuple[float, ...], whole: float) -> Markup:
    line = Markup('<line class="grid" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="100%"/>')
    return Markup("").join(line.format(share(tick, whole)) for tick in ticks)


def _band(record: DrillRecord, first: float, whole: float) -> Markup:
    """The stretch from declared to validated: the RTA itself."""
    at = {mark.name: mark.elapsed_seconds for mark in record.marks}
    if "declared" not in at or "validated" not in at:
        return Markup("")
    begin = share(at["declared"] - first, whole)
    width = share(at["validated"] - first, whole) - begin
    return Markup('<rect class="band" x="{:.2f}%" width="{:.2f}%" y="0" height="100%"/>').format(
        begin, max(0.0, width)
    )


def _span(record: DrillRecord) -> str:
    if record.rto.actual_seconds is None:
        return "The service was never validated, so no RTA can be drawn."
    took = format_duration(record.rto.actual_seconds)
    return f"Shaded: the RTA of {took}, from declared to validated."


def _phase_bar(phase: Phase, first: float, whole: float) -> Markup:
    begin = share(phase.began_seconds - first, whole)
    width = min(max(0.5, share(phase.seconds, whole)), 100.0)
    begin = min(begin, 100.0 - width)
    names = [phase.kind, "counts" if phase.counts else "aside"]
    if not phase.finished:
        names.append("open")
    return Markup(
        # The inner svg puts the bar in the middle of a row whose height follows its words.
        '<svg y="50%" overflow="visible">'
        '<rect class="phase {}" x="{:.2f}%" y="-6" width="{:.2f}%" height="12" rx="2.5"/></svg>'
    ).format(" ".join(names), begin, width)


def _axis(ticks: tuple[float, ...], whole: float) -> Markup:
    text = Markup('<text x="{:.2f}%" y="13" text-anchor="{}">{}</text>')
    labels = Markup("").join(
        text.format(share(tick, whole), _anchor(share(tick, whole)), _label(tick)) for tick in ticks
    )
    return Markup('<svg class="axis" aria-hidden="true" width="100%" height="18">{}</svg>').format(
        labels
    )


def _label(tick: float) -> str:
    return "0" if tick == 0 else format_duration(tick)


def _anchor(at: float) -> str:
    return "start" if at < 3 else "end" if at > 96 else "middle"


def _svg(inner: Markup) -> Markup:
    return Markup('<svg class="row" aria-hidden="true">{}</svg>').format(inner)
