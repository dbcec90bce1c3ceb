"""`drillctl lab`: a small payments production to look at, drill against and lose."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from drillctl.lab.lab import Lab


@click.group("lab")
def command() -> None:
    """Bring up a lab and leave it running, look at it, take it down."""


_FOLDER = click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True
)


@command.command("up")
@click.argument("environment", type=click.Path(path_type=Path))
@click.option("--provider", default="auto", show_default=True, help="auto, docker or process.")
@click.option("--image", help="The image for Docker.")
@_FOLDER
def up(environment: Path, provider: str, image: str | None, out: Path) -> int:
    """Bring up the lab of ENVIRONMENT (a YAML file) and leave it running."""
    from drillctl.cli import astray
    from drillctl.definition.load import load_environment
    from drillctl.lab.lab import Lab
    from drillctl.orchestration.vocabulary import vocabulary

    astray.forget()
    definition = load_environment(environment, vocabulary())
    if definition.kind != "lab":
        raise click.UsageError(f"{environment} is not a lab: its kind is `{definition.kind}`")
    folder = out / "labs" / definition.name
    lab = Lab.bring_up(
        definition,
        folder=folder,
        provider=provider,
        image=image,
        run_id=f"lab-{definition.name}-{secrets.token_hex(3)}",
        tell=lambda line: click.echo(line, err=True),
        detach=True,
    )
    click.echo(f"lab `{definition.name}` is up; backups in {lab.backups}")
    return 0


@command.command("status")
@click.argument("name", default="lab")
@click.option("--json", "as_json", is_flag=True)
@_FOLDER
def status(name: str, as_json: bool, out: Path) -> int:
    """Say how the lab NAME is doing."""
    state = _lab(out, name).status()
    if as_json:
        click.echo(json.dumps(state, indent=2, default=str))
    else:
        for key, value in state.items():
            click.echo(f"{key}: {value}")
    return 0


@command.command("down")
@click.argument("name", default="lab")
@_FOLDER
def down(name: str, out: Path) -> int:
    """Take the lab NAME down and prove that it is gone."""
    left = _lab(out, name).down()
    for thing in left:
        click.echo(f"STILL THERE: {thing}")
    if not left:
        click.echo(f"lab `{name}` is gone")
    return 3 if left else 0


def _lab(out: Path, name: str) -> Lab:
    from drillctl.lab.lab import open_lab

    folder = out / "labs" / name
    if not folder.is_dir():
        raise click.UsageError(f"no lab `{name}` under {out}; bring one up with `drillctl lab up`")
    return open_lab(folder)
