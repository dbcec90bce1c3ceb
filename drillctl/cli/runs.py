"""`drillctl runs`: what is on disk, interrupted runs among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drillctl.evidence.runs import RunFolder


@click.command("runs")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of a table.")
def command(out: Path, as_json: bool) -> int:
    """List the runs under --out, oldest first."""
    from drillctl.evidence.runs import list_runs

    rows = [_row(run) for run in list_runs(out)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return 0
    if not rows:
        click.echo(f"no runs under {out}")
    for row in rows:
        click.echo(f"{row['run_id']:<56} {row['outcome']:<12} {row['verdict']:<13} {row['note']}")
    return 0


def _row(run: RunFolder) -> dict[str, str]:
    try:
        record = run.read()
    except (OSError, ValueError) as error:
        note = "the journal cannot be read: " + str(error).partition("\n")[0]
        return {"run_id": run.run_id, "outcome": "unreadable", "verdict": "-", "note": note}
    note = ""
    if record.outcome == "interrupted":
        last = record.marks[-1].name if record.marks else "opening"
        gone = record.teardown is not None and record.teardown.destroyed
        left = "nothing is left" if gone else "`drillctl sweep` removes what it left"
        note = f"stopped after `{last}`; {left}"
    if not record.journal.intact:
        note = f"journal altered after entry {record.journal.entries}"
    return {
        "run_id": run.run_id,
        "outcome": record.outcome,
        "verdict": record.verdict,
        "note": note,
    }
