"""`drillctl plan`: what a drill would do. Looks, and makes nothing."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("plan")
@click.argument("drill", type=click.Path(path_type=Path))
@click.option("--provider", help="auto, docker or process; over what the drill says.")
@click.option("--image", help="The image for Docker; over what the drill says.")
@click.option("--select", help="Which backup: latest, oldest or a label.")
def command(drill: Path, provider: str | None, image: str | None, select: str | None) -> int:
    """Say step by step what running DRILL would do, and do nothing."""
    from drillctl.cli.run import load_plan
    from drillctl.definition.units import format_duration
    from drillctl.orchestration.plan import Overrides, outline

    plan = load_plan(drill, Overrides(provider=provider, image=image, select=select))
    objectives = plan.drill.objectives
    rpo = format_duration(objectives.rpo) if objectives.rpo else "none promised"
    click.echo(f"{plan.drill.name}: RTO {format_duration(objectives.rto)}, RPO {rpo}")
    for number, line in enumerate(outline(plan), start=1):
        click.echo(f"{number:3}. {line}")
    return 0
