"""junit.xml: a drill as a test suite. Green if and only if the drill passed."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Tree

from drillctl.debrief.figures import measures
from drillctl.debrief.headline import headline, reasons
from drillctl.debrief.order import checks_worst_first, findings_worst_first
from drillctl.debrief.plain import one_line, plain_record
from drillctl.evidence.facts import Finding, Room
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Verdict

name = "junit"
file_name = "junit.xml"


def render(record: DrillRecord) -> str:
    shown = plain_record(record)
    cases = [_verdict(shown), *_objectives(shown), *_checks(shown), *_findings(shown)]
    suite = Tree.Element(
        "testsuite",
        name=one_line(shown.drill.name),
        tests=str(len(cases)),
        failures=_count(cases, "failure"),
        errors=_count(cases, "error"),
        skipped="0",
        time=f"{sum(phase.seconds for phase in shown.phases):.3f}",
    )
    if shown.marks:
        suite.set("timestamp", f"{shown.marks[0].at:%Y-%m-%dT%H:%M:%S}")
    suite.append(_properties(shown))
    suite.extend(cases)
    root = Tree.Element("testsuites", {"name": "drillctl"} | _totals(suite))
    root.append(suite)
    Tree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Tree.tostring(root, "unicode") + "\n"


def _verdict(record: DrillRecord) -> Tree.Element:
    """The drill as a whole: what no single check can say (interrupted, nothing checked) is here."""
    text = "\n".join(reasons(record))
    return _case("drill", "verdict", record.verdict, headline(record), text)


def _objectives(record: DrillRecord) -> Iterator[Tree.Element]:
    for measure in measures(record):
        if measure.verdict is None:
            continue
        title = f"{measure.objective_name} {measure.objective_shown}"
        told = f"{measure.actual_name} {measure.shown}: {measure.outcome}"
        seconds = measure.actual or 0.0
        yield _case("objectives", title, measure.verdict, told, measure.how, seconds=seconds)


def _checks(record: DrillRecord) -> Iterator[Tree.Element]:
    for check in checks_worst_first(record):
        told = f"expected {check.expected}, observed {check.observed}"
        text = f"kind: {check.kind}\nexpected: {check.expected}\nobserved: {check.observed}"
        yield _case("validate", check.name, check.verdict, told, text, seconds=check.seconds)


def _findings(record: DrillRecord) -> Iterator[Tree.Element]:
    """A check's own finding is told by the check, unless no check is as bad as it."""
    told = {check.verdict for check in record.checks}
    for finding in findings_worst_first(record):
        if finding.room == Room.VALIDATE and finding.verdict in told:
            continue
        yield _case(finding.room.value, finding.id, finding.verdict, finding.title, _text(finding))


def _text(finding: Finding) -> str:
    lines = (
        finding.title,
        f"severity: {finding.severity.value}",
        f"expected: {finding.expected}" if finding.expected else "",
        f"observed: {finding.observed}" if finding.observed else "",
        f"what to do: {finding.hint}" if finding.hint else "",
    )
    return "\n".join(line for line in lines if line)


def _case(
    room: str, title: str, verdict: Verdict, message: str, text: str, *, seconds: float = 0.0
) -> Tree.Element:
    """Inconclusive is an error: a consumer that skips it would call it green."""
    case = Tree.Element(
        "testcase", classname=room, name=one_line(title) or "unnamed", time=f"{seconds:.3f}"
    )
    tag = {Verdict.FAILED: "failure", Verdict.INCONCLUSIVE: "error"}.get(verdict, "system-out")
    outcome = Tree.SubElement(case, tag)
    if tag != "system-out":
        outcome.set("message", one_line(message))
        outcome.set("type", verdict.value)
        outcome.text = text
    else:
        outcome.text = text or message
    return case


def _properties(record: DrillRecord) -> Tree.Element:
    properties = Tree.Element("properties")
    facts = {
        "run_id": record.run_id,
        "verdict": record.verdict.value,
        "outcome": record.outcome,
        "service": record.drill.service,
        "tier": str(record.drill.tier),
        "owner": record.drill.owner,
        "environment": record.environment,
        "definition_sha256": record.drill.sha256,
        "journal_head": record.journal.head,
        "drillctl": record.tool.version,
    }
    for key, value in facts.items():
        Tree.SubElement(properties, "property", name=key, value=one_line(value))
    for what in record.not_tested:
        Tree.SubElement(properties, "property", name="not_tested", value=one_line(what))
    return properties


def _count(cases: list[Tree.Element], tag: str) -> str:
    return str(sum(case.find(tag) is not None for case in cases))


def _totals(suite: Tree.Element) -> dict[str, str]:
    return {key: suite.get(key, "0") for key in ("tests", "failures", "errors", "time")}
