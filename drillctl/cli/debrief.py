"""`drillctl debrief`: an old run, judged and rendered anew from its journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drillctl.evidence.record import DrillRecord

FORMATS = ("terminal", "html", "md", "junit", "json", "annotations")


@click.command("debrief")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), help="Print it instead of writing.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
def command(run: Path, form: str | None, out: Path) -> int:
    """Render RUN (a folder, or an id under --out) again.

    Without --format, the debrief files are written into the run's folder and the verdict shown.
    """
    from drillctl.cli.verdict import show_verdict
    from drillctl.evidence.runs import JOURNAL, RunFolder
    from drillctl.orchestration.publish import publish

    folder = RunFolder(path=run if (run / JOURNAL).is_file() else out / run)
    try:
        record = folder.read()
    except FileNotFoundError:
        raise click.UsageError(
            f"no run `{run}`: there is no {JOURNAL} in it nor under {out}"
        ) from None
    except ValueError as error:
        raise click.UsageError(f"`{run}` cannot be read: {error}") from None
    if form is not None:
        _print(record, folder.path, form)
        return 0
    if record.outcome != "running":
        publish(folder, lambda line: click.echo(line, err=True))
    show_verdict(record, folder.path)
    return 0


def _print(record: DrillRecord, folder: Path, form: str) -> None:
    from drillctl.cli.verdict import show_verdict
    from drillctl.debrief.catalogue import RENDERERS
    from drillctl.debrief.github import annotations

    if form == "terminal":
        show_verdict(record, folder)
    elif form == "json":
        click.echo(record.to_json(), nl=False)
    elif form == "annotations":
        for line in annotations(record):
            click.echo(line)
    else:
        click.echo(RENDERERS[form].render(record), nl=False)
