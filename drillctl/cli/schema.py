"""`drillctl schema`: JSON Schemas for editors and for readers of record.json."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("of", type=click.Choice(["drill", "environment", "record"]))
def command(of: str) -> int:
    """Print the JSON Schema of a drill, an environment, or record.json."""
    click.echo(json.dumps(_schema(of), indent=2))
    return 0


def _schema(of: str) -> dict[str, object]:
    if of == "record":
        from drillctl.evidence.record import record_schema

        return record_schema()
    from drillctl.definition.schema import drill_schema, environment_schema
    from drillctl.orchestration.vocabulary import vocabulary

    return drill_schema(vocabulary()) if of == "drill" else environment_schema(vocabulary())
