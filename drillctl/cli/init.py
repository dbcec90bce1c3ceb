"""`drillctl init`: a commented starter drill from a dump that it looks into."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("dump", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it; else printed.")
def command(dump: Path, out: Path | None) -> int:
    """Look into DUMP and write a starter drill for it. Never writes over a file."""
    from drillctl.restore.starter import starter_drill

    if not dump.exists():
        raise click.UsageError(f"no such file: {dump}")
    text = starter_drill(dump)
    if out is None:
        click.echo(text, nl=False)
        return 0
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise click.UsageError(f"{out} exists; drillctl does not write over it") from None
    except OSError as error:
        raise click.UsageError(f"cannot write {out}: {error.strerror}") from None
    click.echo(f"wrote {out}; now `drillctl lint {out}` and `drillctl run {out}`")
    return 0
