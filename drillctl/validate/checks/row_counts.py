"""`row_counts`: exact counts by a scan of each table; an estimate could not prove anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

import psycopg
from psycopg import sql
from pydantic import Field, model_validator

from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import Finding
from drillctl.validate.bounds import Count, holds, in_words
from drillctl.validate.contract import (
    Connection,
    Database,
    Observation,
    Reference,
    finding,
    judged,
)
from drillctl.validate.names import USER_SCHEMA, Table, TableName, find_tables

KIND = "row_counts"

# Rows of an extension's own tables (a list of map projections, say) are no data of the service.
_ALL = f"""
select c.oid, n.nspname, c.relname
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and {USER_SCHEMA}
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                    and d.deptype = 'e')
order by n.nspname, c.relname
"""  # noqa: S608 - a constant


class RowCounts(Spec):
    tables: Mapping[TableName, Count] = Field(
        default_factory=dict,
        description="each table, with how many rows it must have: a number, or {min, max}",
    )
    min_total: Annotated[int, Field(ge=1, strict=True)] | None = Field(
        None, description="at least so many rows in all tables together"
    )

    @model_validator(mode="after")
    def _something_to_compare(self) -> Self:
        if not self.tables and self.min_total is None:
            raise ValueError("write `tables` or `min_total`: there is nothing to compare with")
        return self


SPEC: type[Spec] = RowCounts


def label(spec: RowCounts) -> str:
    if not spec.tables:
        return f"at least {spec.min_total} rows in all"
    return f"row counts of {', '.join(spec.tables)}"


def run(spec: RowCounts, database: Database, reference: Reference) -> Observation:
    with database.session({"search_path": "pg_catalog"}) as connection:
        tables, findings = find_tables(connection, tuple(spec.tables))
        counts = {text: _count(connection, table) for text, table in tables.items()}
        total = _total(connection) if spec.min_total is not None else None
    wanted = [f"{text}: {in_words(count)}" for text, count in spec.tables.items()]
    seen = [f"{text}: {counts.get(text, 'missing')}" for text in spec.tables]
    wrong = [
        _differs(str(tables[text]), spec.tables[text], counted)
        for text, counted in counts.items()
        if not holds(spec.tables[text], counted)
    ]
    if spec.min_total is not None and total is not None:
        wanted.append(f"all tables: at least {spec.min_total}")
        seen.append(total.words)
        if total.rows < spec.min_total:
            wrong.append(_too_few(spec.min_total, total.words))
    return judged("; ".join(wanted), "; ".join(seen), *findings, *wrong)


class _Total:
    def __init__(self, counts: list[int]) -> None:
        self.rows = sum(counts)
        self.words = f"all {len(counts)} tables: {self.rows}"
        empty = counts.count(0)
        if empty:
            self.words += f", {empty} of them empty"


def _total(connection: Connection) -> _Total:
    """Every table of its own, partitions one by one, so that no row counts twice."""
    rows = connection.execute(_ALL).fetchall()
    return _Total(
        [_count(connection, Table(oid=oid, schema=s, name=n), own=True) for oid, s, n in rows]
    )


def _count(connection: Connection, table: Table, *, own: bool = False) -> int:
    source = table.only if own else table.identifier
    try:
        row = connection.execute(sql.SQL("select count(*) from {}").format(source)).fetchone()
    except psycopg.Error as error:
        error.add_note(f"while counting {table}")
        raise
    return int(row[0]) if row else 0


def _differs(table: str, wanted: Count, counted: int) -> Finding:
    return finding(
        "row_count_differs",
        f"{table} has {counted} rows, not {in_words(wanted)}"
        if counted
        else f"{table} is empty, not {in_words(wanted)}",
        expected=in_words(wanted),
        observed=str(counted),
        hint="count the same table on the source; restore an older backup if rows are lost",
    )


def _too_few(least: int, words: str) -> Finding:
    return finding(
        "too_few_rows",
        "the restored database holds fewer rows than it must",
        expected=f"at least {least} rows in all tables",
        observed=words,
        hint="see whether this is the backup of the right database, and whether it has data at all",
    )
