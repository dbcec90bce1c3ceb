"""debrief.md: the same story, sized for a job summary or a merge request."""

from __future__ import annotations

from drillctl.debrief import figures, order
from drillctl.debrief.headline import WORDS, headline, reasons
from drillctl.debrief.markdown_text import details, fact_table, fenced, safe
from drillctl.debrief.plain import plain_record
from drillctl.definition.units import format_duration, format_size
from drillctl.evidence.facts import CheckResult, Finding
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Status, Verdict

name = "md"
file_name = "debrief.md"

_ICONS = {
    Verdict.PASSED: "✅",
    Verdict.INCONCLUSIVE: "⚠️",
    Verdict.FAILED: "❌",
    Status.NOT_RUN: "\u2796",
    None: "\u2796",
}
_HELD = {True: "✅ held", None: "⚠️ not tried", False: "❌ did not hold"}


def render(record: DrillRecord) -> str:
    shown = plain_record(record)
    parts = (
        *_top(shown),
        *_promise(shown),
        *_lost(shown),
        *_findings(shown),
        *_checks(shown),
        *_untested(shown),
        *_timeline(shown),
        *_backup(shown),
        *_sandbox(shown),
        *_definition(shown),
        *_evidence(shown),
    )
    return "\n".join(parts) + "\n"


def _top(record: DrillRecord) -> tuple[str, ...]:
    more = reasons(record)[1:]
    lines = [
        f"## {_ICONS[record.verdict]} {WORDS[record.verdict]}: {safe(record.drill.name)}",
        "",
        f"**{safe(headline(record))}**",
        "",
    ]
    if more:
        lines += [*(f"- {safe(reason)}" for reason in more[:10]), ""]
    return tuple(lines)


def _promise(record: DrillRecord) -> tuple[str, ...]:
    lines = ["| | objective | actual | outcome |", "|---|---:|---:|---|"]
    for measure in figures.measures(record):
        lines.append(
            f"| {measure.actual_name} against {measure.objective_name} "
            f"| {measure.objective_shown} | **{measure.shown}** "
            f"| {_ICONS[measure.verdict]} {measure.outcome} |"
        )
    notes = [measure for measure in figures.measures(record) if measure.actual is None]
    lines += ["", *(f"{note.actual_name}: {safe(note.how)}." for note in notes if note.how)]
    return (*lines, "")


def _lost(record: DrillRecord) -> tuple[str, ...]:
    amounts = ", ".join(f"{amount} {safe(code)}" for code, amount in figures.amounts_shown(record))
    lines = [
        f"**Writes lost:** {safe(figures.lost_shown(record))}" + (f" ({amounts})" * bool(amounts)),
        "",
    ]
    ledger = record.rpo.ledger
    if ledger is not None:
        rows = (
            f"| {what} | {count:,} | {note} |"
            for what, count, note in figures.reconciliation(ledger)
        )
        outcome = "✅ reconciles" if ledger.reconciles else "⚠️ does not reconcile"
        table = ("| transfers | count | meaning |", "|---|---:|---|", *rows)
        lines += details(f"Reconciliation of the loss ledger: {outcome}", table)
    return tuple(lines)


def _findings(record: DrillRecord) -> tuple[str, ...]:
    found = order.findings_worst_first(record)
    lines = [f"### Findings ({len(found)})", ""]
    if not found:
        lines += ["No finding was recorded.", ""]
    lines += [line for finding in found[:20] for line in _finding(finding)]
    if len(found) > 20:
        rest = [line for finding in found[20:] for line in _finding(finding)]
        lines += details(f"{len(found) - 20} more findings", rest)
    return tuple(lines)


def _finding(finding: Finding) -> tuple[str, ...]:
    icon = "\u2139\ufe0f" if finding.verdict == Verdict.PASSED else _ICONS[finding.verdict]
    lines = [f"- {icon} **{safe(finding.title)}** ({finding.severity.value}, {safe(finding.id)})"]
    for label, text in (("Expected", finding.expected), ("Observed", finding.observed)):
        lines += [f"  <br>{label}: {safe(text)}"] if text.strip() else []
    lines += [f"  <br>**What to do:** {safe(finding.hint)}"] if finding.hint.strip() else []
    return (*lines, "")


def _checks(record: DrillRecord) -> tuple[str, ...]:
    checks = order.checks_worst_first(record)
    if not checks:
        return (
            "### Checks (0)",
            "",
            "⚠️ No check ran. Nothing about the restored data is known.",
            "",
        )
    counts = order.count_checks(record)
    tally = ", ".join(
        f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]
    )
    bad = tuple(check for check in checks if check.verdict != Verdict.PASSED)
    good = tuple(check for check in checks if check.verdict == Verdict.PASSED)
    lines = [f"### Checks ({tally})", ""]
    if bad:
        lines += [*_check_table(bad), ""]
    if good:
        lines += details(f"{len(good)} passed", _check_table(good))
    return tuple(lines)


def _check_table(checks: tuple[CheckResult, ...]) -> tuple[str, ...]:
    return (
        "| | check | expected | observed | took |",
        "|---|---|---|---|---:|",
        *(
            f"| {_ICONS[check.verdict]} {check.verdict.value} | {safe(check.name)} "
            f"({safe(check.kind)}) | {safe(check.expected)} | {safe(check.observed)} "
            f"| {format_duration(check.seconds)} |"
            for check in checks
        ),
    )


def _untested(record: DrillRecord) -> tuple[str, ...]:
    items = tuple(f"- {safe(what)}" for what in record.not_tested)
    nothing = ("The record lists nothing. It claims no more than the checks above.",)
    return ("### What was not tested", "", *(items or nothing), "")


def _timeline(record: DrillRecord) -> tuple[str, ...]:
    rows = [
        f"| {phase.name} | {format_duration(phase.seconds)}"
        f"{'' if phase.finished else ', not finished'} "
        f"| {phase.kind} | {'yes' if phase.counts else 'no'} |"
        for phase in record.phases
    ]
    rooms = ", ".join(
        f"{room} {status.replace('_', ' ')}" for room, status in record.statuses.items()
    )
    table = ("| phase | took | time of | counts into the RTA |", "|---|---:|---|---|", *rows)
    return details("Timeline", (*(table if rows else ()), "", f"Parts: {rooms}."))


def _backup(record: DrillRecord) -> tuple[str, ...]:
    backup = record.backup
    if backup is None:
        return ("No backup was chosen.", "")
    facts = (
        ("label", backup.label),
        ("location", backup.location),
        ("engine and format", f"{backup.engine}, {backup.format}"),
        ("size", format_size(backup.size_bytes)),
        ("recovery point", figures.instant(backup.consistent_at)),
        ("read from", backup.consistent_at_method),
        ("source", f"{backup.source_database} {backup.source_version}".strip()),
        ("SHA-256", backup.sha256 or "not taken"),
    )
    return details("The backup", fact_table(facts))


def _sandbox(record: DrillRecord) -> tuple[str, ...]:
    sandbox = record.sandbox
    if sandbox is None:
        return ("No sandbox was made.", "")
    gone = {True: "destroyed: looked for and not found", None: "not known", False: "still there"}
    facts = (
        ("provider", sandbox.provider),
        ("image or binaries", sandbox.image or "none"),
        ("server", sandbox.server_version),
        ("afterwards", gone[sandbox.destroyed]),
        *(
            (f"{_HELD[probe.held]}: {probe.name}", probe.detail)
            for probe in order.probes_worst_first(record)
        ),
    )
    return details("The sandbox and its isolation", fact_table(facts))


def _definition(record: DrillRecord) -> tuple[str, ...]:
    text = record.drill.definition.rstrip("\n")
    return details("The drill\u2019s definition", fenced(text)) if text else ()


def _evidence(record: DrillRecord) -> tuple[str, ...]:
    chain = "hash chain intact" if record.journal.intact else "hash chain broken"
    return (
        f"<sub>Run {safe(record.run_id)}, {record.outcome}; journal of {record.journal.entries:,} "
        f"entries, {chain}, head {record.journal.head[:16]}; definition SHA-256 "
        f"{safe(record.drill.sha256[:16])}; drillctl {safe(record.tool.version)}</sub>",
    )
