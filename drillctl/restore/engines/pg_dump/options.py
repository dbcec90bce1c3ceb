"""The keys of `restore:` that belong to pg_dump."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from drillctl.definition.vocabulary import Spec


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if name == "UTC":
            return name
        raise ValueError("this is not an IANA time zone such as Europe/Berlin") from error
    return name


class Options(Spec):
    globals: str | None = Field(
        None,
        min_length=1,
        description="the output of `pg_dumpall --globals-only`, relative to the backup's folder; "
        "`globals.sql` beside the backup is found without this",
    )
    database: str | None = Field(
        None,
        min_length=1,
        max_length=63,
        description="the database to check, where a folder or a dump holds several; a dump of "
        "another one fails",
    )
    jobs: int | None = Field(
        None, ge=1, le=64, description="parallel workers; the sandbox's processors when left out"
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="the time zone of the host that takes the dump, such as Europe/Berlin"
    )
    missing_roles: Literal["create", "fail"] = Field(
        "create",
        description="roles that the dump names and no globals describe: `create` stand-ins that "
        "cannot log in, or `fail`",
    )
    without_data: tuple[str, ...] = Field(
        (), description="tables (`schema.table`) whose rows are left out of the backup on purpose"
    )
    seed: int | None = Field(None, description="makes `select: random` choose the same every time")
