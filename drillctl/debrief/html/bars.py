"""An actual against its objective, as inline SVG in percent units: it scales without its text."""

from __future__ import annotations

from markupsafe import Markup

from drillctl.debrief.figures import Measure, share

_HEADROOM = 1.12


def bar(measure: Measure) -> Markup:
    """A track, the actual as a bar, the objective as a tick. Hatched where it is only a lower
    bound; an empty track when nothing was measured."""
    spent = measure.actual if measure.actual is not None else measure.at_least
    scale = max(spent or 0.0, measure.objective or 0.0) * _HEADROOM
    kind = "none" if measure.verdict is None else measure.verdict.value
    parts = [Markup('<rect class="track" x="0" y="20" width="100%" height="14" rx="3"/>')]
    if spent is not None:
        open_ended = " open" if measure.actual is None else ""
        width = max(0.6, share(spent, scale))
        parts.append(
            Markup(
                '<rect class="fill {}{}" x="0" y="20" width="{:.2f}%" height="14" rx="3"/>'
            ).format(kind, open_ended, width)
        )
    if measure.objective is not None:
        parts.append(_tick(measure.objective_name, share(measure.objective, scale)))
    return _svg(measure, Markup("").join(parts))


def _tick(name: str, at: float) -> Markup:
    """The objective: a line across the track with its name above."""
    anchor = "start" if at < 8 else "end" if at > 92 else "middle"
    return Markup(
        '<line class="tick" x1="{0:.2f}%" x2="{0:.2f}%" y1="15" y2="39"/>'
        '<text x="{0:.2f}%" y="11" text-anchor="{1}">{2}</text>'
    ).format(at, anchor, name)


def _svg(measure: Measure, inner: Markup) -> Markup:
    name = measure.actual_name.lower()
    return Markup(
        '<svg class="bar" role="img" aria-labelledby="{n}-t {n}-d" width="100%" height="40">'
        '<title id="{n}-t">{title}</title><desc id="{n}-d">{desc}</desc>{inner}</svg>'
    ).format(
        n=name,
        title=f"{measure.actual_name} against {measure.objective_name}",
        desc=f"{measure.shown} against an objective of {measure.objective_shown}: "
        f"{measure.outcome}",
        inner=inner,
    )
