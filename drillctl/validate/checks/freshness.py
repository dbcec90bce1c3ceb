"""`freshness`: how old the newest record was when the data was lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated
from zoneinfo import available_timezones

from psycopg import sql
from pydantic import AfterValidator, Field

from drillctl.definition.units import Duration, format_duration
from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.validate.contract import (
    Connection,
    Database,
    Incomparable,
    Observation,
    Reference,
    finding,
    judged,
)
from drillctl.validate.names import Table, TableName, find_tables, shown

KIND = "freshness"

# Clocks of two machines differ a little; a record this far past the disaster is still believed.
TOLERANCE = timedelta(minutes=1)


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone: write one such as UTC or Europe/Berlin")
    return name


def _longer_than_zero(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("this must be longer than 0s")
    return value


class Freshness(Spec):
    table: TableName = Field(description="the table, with its schema unless it is in `public`")
    column: str = Field(min_length=1, description="a column of type timestamptz, timestamp or date")
    max_age: Annotated[Duration, AfterValidator(_longer_than_zero)] = Field(
        description="how old the newest value may be at the moment of the disaster"
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="the zone that values without one are meant in"
    )


SPEC: type[Spec] = Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class _Newest:
    """`age` is seconds before the disaster of the newest value that does not lie after it."""

    age: Decimal | None
    later: int
    filled: int


def label(spec: Freshness) -> str:
    return f"newest {spec.table}.{spec.column}"


def run(spec: Freshness, database: Database, reference: Reference) -> Observation:
    wanted = f"at most {format_duration(spec.max_age)} old at the disaster"
    with database.session({"search_path": "pg_catalog"}) as connection:
        tables, findings = find_tables(connection, (spec.table,))
        if findings:
            return judged(wanted, findings[0].observed, *findings)
        table = tables[spec.table]
        newest = _newest(connection, table, spec, reference.disaster)
    found = [_later(newest.later, wanted)] if newest.later else []
    if newest.age is None:
        return judged(wanted, "no value", *found, _none(table, spec, newest, wanted))
    seen = f"{_words(newest.age)} old"
    if newest.age > Decimal(str(spec.max_age.total_seconds())):
        found.append(_stale(table, spec, wanted, seen))
    return judged(wanted, seen, *found)


def _newest(connection: Connection, table: Table, spec: Freshness, disaster: datetime) -> _Newest:
    """One scan. Ages are subtracted as seconds, since a database's years go further than ours."""
    column = sql.Identifier(spec.column)
    instant = {
        "timestamp with time zone": sql.SQL("{}"),
        "timestamp without time zone": sql.SQL("({} at time zone {zone})"),
        "date": sql.SQL("({}::pg_catalog.timestamp at time zone {zone})"),
    }[_type_of(connection, table, spec.column)].format(column, zone=sql.Literal(spec.timezone))
    row = connection.execute(
        sql.SQL(
            "select count({column}), count(*) filter (where {at} > {end}), "
            "extract(epoch from max({at}) filter (where {at} <= {end})) from {table}"
        ).format(
            column=column,
            at=instant,
            end=sql.Literal(disaster.astimezone(UTC) + TOLERANCE),
            table=table.identifier,
        )
    ).fetchone()
    # Minus infinity is the newest only where there is nothing else.
    if row is None or row[2] is None or not row[2].is_finite():
        return _Newest(age=None, later=row[1] if row else 0, filled=row[0] if row else 0)
    age = max(Decimal(0), Decimal(str(disaster.timestamp())) - row[2])
    return _Newest(age=age, later=row[1], filled=row[0])


def _type_of(connection: Connection, table: Table, column: str) -> str:
    row = connection.execute(
        "select case when t.typtype = 'd' then format_type(t.typbasetype, null)"
        " else format_type(t.oid, null) end"
        " from pg_attribute a join pg_type t on t.oid = a.atttypid"
        " where a.attrelid = %s and a.attname = %s and a.attnum > 0 and not a.attisdropped",
        (table.oid, column),
    ).fetchone()
    if row is None:
        raise Incomparable(f"{table} has no column {shown(column)}")
    name = str(row[0])
    if not name.startswith("timestamp") and name != "date":
        raise Incomparable(f"{table}.{shown(column)} is of type {name}, which holds no time")
    return name


def _words(age: Decimal) -> str:
    return format_duration(float(age))


def _none(table: Table, spec: Freshness, newest: _Newest, wanted: str) -> Finding:
    why = "no row has a time in it" if newest.filled == 0 else "no value before the disaster"
    return finding(
        "nothing_fresh",
        f"{table}.{shown(spec.column)} has no newest value: {why}",
        expected=wanted,
        observed=why,
        hint="see whether the table's rows are in the backup at all",
    )


def _stale(table: Table, spec: Freshness, wanted: str, seen: str) -> Finding:
    return finding(
        "stale",
        f"the newest {table}.{shown(spec.column)} is {seen}",
        expected=wanted,
        observed=seen,
        hint="take backups more often, or find out why the newest ones are not used; a service "
        "without traffic also looks stale",
    )


def _later(count: int, wanted: str) -> Finding:
    return finding(
        "future_value",
        "values lie after the disaster, so the newest one's age says little",
        expected=wanted,
        observed=f"{count} values more than {format_duration(TOLERANCE)} after the disaster",
        hint="compare the clocks and the column's `timezone`; for dates that are meant to lie "
        "ahead, choose a column that records when a row was written",
        verdict=Verdict.INCONCLUSIVE,
    )
