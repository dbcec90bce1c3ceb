"""`drillctl run`: rehearse a drill, show it live, and end with a verdict and an exit code."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drillctl.evidence.record import DrillRecord
    from drillctl.evidence.runs import RunFolder
    from drillctl.orchestration.plan import Overrides, Plan

EXIT_CODES = {"passed": 0, "failed": 1, "inconclusive": 3}


@click.command("run")
@click.argument("drill", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print record.json instead of the verdict.")
@click.option("--provider", help="auto, docker or process; over what the drill says.")
@click.option("--image", help="The image for Docker; over what the drill says.")
@click.option("--select", help="Which backup: latest, oldest or a label; over what the drill says.")
def command(  # noqa: PLR0917 - click passes one argument per option
    drill: Path,
    out: Path,
    as_json: bool,
    provider: str | None,
    image: str | None,
    select: str | None,
) -> int:
    """Run DRILL (a YAML file) and write its debrief into a folder under --out."""
    from drillctl.cli import astray
    from drillctl.orchestration.plan import Overrides

    astray.forget()
    plan = load_plan(drill, Overrides(provider=provider, image=image, select=select))
    return EXIT_CODES[_rehearse(plan, out, as_json).verdict]


def load_plan(path: Path, overrides: Overrides) -> Plan:
    """Raises DefinitionError with every problem of the file."""
    from drillctl.definition.load import load_drill
    from drillctl.orchestration.plan import make_plan
    from drillctl.orchestration.vocabulary import vocabulary

    words = vocabulary()
    if overrides.provider is not None and overrides.provider not in words.providers:
        known = ", ".join(words.providers)
        raise click.BadParameter(
            f"`{overrides.provider}` is not one of {known}", param_hint="--provider"
        )
    return make_plan(load_drill(path, words), overrides)


def _rehearse(plan: Plan, out: Path, as_json: bool) -> DrillRecord:
    """Whatever ends the drill, what is known of it is shown: after Ctrl-C and our own bugs too."""
    from drillctl.cli.live import Live
    from drillctl.cli.signals import stoppable
    from drillctl.interrupt import shielded
    from drillctl.orchestration.opening import open_run
    from drillctl.orchestration.rehearse import rehearse

    with ExitStack() as afterwards, Live(plan.drill.name) as live, stoppable(live.notice):
        # A signal that comes now waits until `rehearse` can journal it.
        with shielded(raise_after=False):
            run, journal = open_run(plan, out)
            afterwards.callback(_show, run, as_json)
            journal.listen(live.entry)
        return rehearse(plan, run, journal, live.tell)


def _show(run: RunFolder, as_json: bool) -> None:
    """A reader that went away, or a full disk behind a redirection, changes no verdict."""
    from drillctl.cli.live import Unbreakable
    from drillctl.cli.verdict import show_verdict

    record = run.read()
    if as_json:
        out = Unbreakable(sys.stdout)
        out.write(record.to_json())
        out.flush()
    else:
        show_verdict(record, run.path)
