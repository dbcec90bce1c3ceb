"""`drillctl sweep`: remove what a crash left."""

from __future__ import annotations

import click


@click.command("sweep")
def command() -> int:
    """Remove sandboxes, processes and folders whose drill is gone; a live drill is not touched."""
    from drillctl.sandbox.sweep import sweep

    left = sweep()
    for thing in left:
        state = "removed" if thing.removed else "STILL THERE"
        click.echo(
            f"{state}: {thing.kind} {thing.name} of run {thing.run_id} {thing.detail}".rstrip()
        )
    if not left:
        click.echo("nothing was left behind")
    return 0 if all(thing.removed for thing in left) else 3
