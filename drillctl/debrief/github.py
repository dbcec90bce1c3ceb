"""GitHub workflow commands: what a pull request shows beside its checks."""

from drillctl.debrief.headline import WORDS, headline
from drillctl.debrief.order import checks_worst_first, findings_worst_first
from drillctl.debrief.plain import plain_record
from drillctl.evidence.facts import Finding
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Verdict

_LEVELS = {Verdict.FAILED: "error", Verdict.INCONCLUSIVE: "warning"}
# GitHub shows ten of a level from one step; what comes first is what is seen.
_MOST = 50


def annotations(record: DrillRecord) -> tuple[str, ...]:
    """One line a command, worst first; empty when the drill passed without a remark."""
    shown = plain_record(record)
    lines = []
    if shown.verdict in _LEVELS:
        title = f"{shown.drill.name}: {WORDS[shown.verdict].lower()}"
        lines.append(_command(shown.verdict, title, headline(shown)))
    lines += [
        _command(finding.verdict, finding.title, _told(finding))
        for finding in findings_worst_first(shown)
        if finding.verdict in _LEVELS
    ]
    lines += [
        _command(
            check.verdict,
            f"check {check.verdict.value}: {check.name}",
            f"expected {check.expected}, observed {check.observed}",
        )
        for check in checks_worst_first(shown)
        if check.verdict in _LEVELS
    ]
    return tuple(lines[:_MOST])


def _told(finding: Finding) -> str:
    parts = (
        f"expected: {finding.expected}" if finding.expected else "",
        f"observed: {finding.observed}" if finding.observed else "",
        f"what to do: {finding.hint}" if finding.hint else "",
        f"({finding.id})",
    )
    return "\n".join(part for part in parts if part)


def _command(verdict: Verdict, title: str, message: str) -> str:
    return f"::{_LEVELS[verdict]} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
