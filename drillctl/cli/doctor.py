"""`drillctl doctor`: what this machine can do."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

_SIGN = {"ok": "ok     ", "missing": "MISSING", "unknown": "unknown"}


@click.command("doctor")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--json", "as_json", is_flag=True)
def command(out: Path, as_json: bool) -> int:
    """Say what this machine can do and how to mend what is missing. Exit 3: no drill can run."""
    from drillctl.orchestration.machine import can_drill, capabilities

    found = capabilities(out)
    if as_json:
        click.echo(json.dumps([asdict(item) for item in found], indent=2))
    else:
        for item in found:
            click.echo(f"{_SIGN[item.state]}  {item.name:<20} {item.detail}")
            if item.state != "ok" and item.mend:
                click.echo(f"{'':9}to mend: {item.mend}")
        click.echo("a drill can run here" if can_drill(found) else "NO DRILL CAN RUN HERE")
    return 0 if can_drill(found) else 3
