"""The structure of a database as data: every object by pg_dump's names, with its definition.

No row of data is in it. A description of the source, kept as a file, is what `structure` compares
a restored copy with; `definition` texts are as the server words them, so they may differ between
majors without a difference in meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from drillctl.validate.contract import Connection, Database, Incomparable
from drillctl.validate.wording import settled

SCHEMA = "drillctl/structure/v1"
Key = tuple[str, str, str]
"""Type, schema (empty for none) and name, as in `("FK CONSTRAINT", "public", "t t_id_fkey")`."""

# The kinds that `structure.sql` knows how to find. Others of an archive are not compared.
KINDS = frozenset(
    {"SCHEMA", "EXTENSION", "TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "TABLE ATTACH"}
    | {"ROW SECURITY", "SEQUENCE", "SEQUENCE OWNED BY", "DEFAULT", "CONSTRAINT", "FK CONSTRAINT"}
    | {"CHECK CONSTRAINT", "INDEX", "INDEX ATTACH", "TRIGGER", "RULE", "POLICY", "FUNCTION"}
    | {"PROCEDURE", "AGGREGATE", "TYPE", "DOMAIN", "STATISTICS", "EVENT TRIGGER"}
)

SETTINGS = {"search_path": "pg_catalog"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """`major` is that of the server whose words the definitions are."""

    major: int
    objects: Mapping[Key, str]


def read_structure(connection: Connection) -> Structure:
    """The connection's search_path must be pg_catalog."""
    statement = resources.files("drillctl.validate").joinpath("structure.sql").read_text("utf-8")
    rows = connection.execute(statement.encode()).fetchall()
    return Structure(
        major=connection.info.server_version // 10000,
        objects={
            (kind, schema, name): settled(definition or "")
            for kind, schema, name, definition in rows
        },
    )


def describe_structure(database: Database) -> dict[str, Any]:
    """A reference for `structure`, ready for JSON."""
    with database.session(SETTINGS) as connection:
        structure = read_structure(connection)
    return {
        "schema": SCHEMA,
        "server_major": structure.major,
        "objects": [
            {"type": kind, "schema": schema, "name": name, "definition": definition}
            for (kind, schema, name), definition in sorted(structure.objects.items())
        ],
    }


def load_structure(path: Path) -> Structure:
    """What `describe_structure` gave, from a file. Raises Incomparable when it is not that."""
    try:
        raw = json.loads(path.read_text("utf-8"))
        if raw["schema"] != SCHEMA:
            raise Incomparable(f"{path.name} is not a description of a structure ({SCHEMA})")
        return Structure(
            major=int(raw["server_major"]),
            objects={
                (str(each["type"]), str(each["schema"]), str(each["name"])): settled(
                    str(each["definition"])
                )
                for each in raw["objects"]
            },
        )
    except OSError as error:
        raise Incomparable(f"{path.name} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Incomparable(f"{path.name} is not a description of a structure") from error
