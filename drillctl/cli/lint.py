"""`drillctl lint`: every mistake of every file, at once."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("lint")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def command(paths: tuple[Path, ...]) -> int:
    """Check drill and environment files; PATHS are files or folders."""
    from drillctl.definition.lint import lint
    from drillctl.orchestration.vocabulary import vocabulary

    results = lint(paths, vocabulary())
    problems = [problem for _, found in results for problem in found]
    for problem in problems:
        click.echo(str(problem), err=True)
    clean = sum(1 for _, found in results if not found)
    click.echo(f"{clean} of {len(results)} files are clean, {len(problems)} problems")
    return 2 if problems or not results else 0
