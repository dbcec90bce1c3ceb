"""debrief.html: the face of a drill for executives and auditors."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from drillctl.debrief import figures, order
from drillctl.debrief.headline import WORDS, full_stop, headline, reasons
from drillctl.debrief.html.bars import bar
from drillctl.debrief.html.timeline import timeline
from drillctl.debrief.plain import plain_record
from drillctl.definition.units import format_duration, format_size
from drillctl.evidence.record import DrillRecord

name = "html"
file_name = "debrief.html"

_HERE = Path(__file__).parent


def render(record: DrillRecord) -> str:
    shown = plain_record(record)
    return _template().render(_context(shown))


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["duration"] = format_duration
    environment.filters["size"] = format_size
    environment.filters["instant"] = figures.instant
    environment.filters["bar"] = bar
    environment.filters["prose"] = _prose
    environment.globals["css"] = Markup((_HERE / "debrief.css").read_text("utf-8"))  # noqa: S704
    return environment.from_string((_HERE / "debrief.html.j2").read_text("utf-8"))


def _prose(text: str) -> Markup:
    """`text` escaped, with what stands in backticks set as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def _context(record: DrillRecord) -> dict[str, Any]:
    declared = next((mark.at for mark in record.marks if mark.name == "declared"), None)
    ledger, why = record.rpo.ledger, reasons(record)
    return {
        "record": record,
        "verdict": record.verdict.value,
        "verdict_word": WORDS[record.verdict],
        "headline": full_stop(why[0]) if why else headline(record),
        "reasons": why[1:],
        "declared": declared,
        "measures": figures.measures(record),
        "lost": figures.lost_shown(record),
        "amounts": figures.amounts_shown(record),
        "reconciliation": figures.reconciliation(ledger) if ledger else (),
        "timeline": timeline(record),
        "checks": order.checks_worst_first(record),
        "counts": {verdict.value: n for verdict, n in order.count_checks(record).items()},
        "findings": order.findings_worst_first(record),
        "probes": order.probes_worst_first(record),
        "statuses": tuple((room, status.value) for room, status in record.statuses.items()),
    }
