"""`query`: the author's own SQL, and what its answer must be."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterator
from typing import Annotated, Any, cast

import psycopg
from pydantic import AfterValidator, Field

from drillctl.definition.vocabulary import Spec
from drillctl.validate.bounds import Count, holds, in_words
from drillctl.validate.contract import (
    Connection,
    Database,
    Incomparable,
    Observation,
    Reference,
    finding,
    judged,
)
from drillctl.validate.expectation import (
    Expectation,
    InRange,
    OneValue,
    RowCount,
    fits,
    wanted_of,
)
from drillctl.validate.statement import one_reading_statement
from drillctl.validate.values import shown

KIND = "query"

# Rows are streamed, so this bounds time and never memory.
MOST_ROWS = 1_000_000
Row = tuple[Any, ...]
_CHUNK = 1000


class Query(Spec):
    sql: Annotated[str, AfterValidator(one_reading_statement)] = Field(
        description="one statement that reads; it runs as a role that cannot write"
    )
    expect: Expectation = Field(
        description="what the answer must be: `empty`, true, false, {value: x}, "
        "{range: [least, most]} or {rows: n}"
    )


SPEC: type[Spec] = Query


def label(spec: Query) -> str:
    text = " ".join(spec.sql.split())
    return text if len(text) <= 60 else text[:57] + "..."


def run(spec: Query, database: Database, reference: Reference) -> Observation:
    with database.session() as connection:
        if isinstance(spec.expect, str):
            return _judge_rows(0, _count_rows(connection, spec.sql), "rows_found")
        if isinstance(spec.expect, RowCount):
            counted = _count_rows(connection, spec.sql)
            return _judge_rows(spec.expect.rows, counted, "row_count_differs")
        return _judge_value(spec.expect, *_few_rows(connection, spec.sql))


def _count_rows(connection: Connection, statement: str) -> int:
    """Every row is fetched and dropped, so that every expression of the query is evaluated."""
    return sum(1 for _ in _rows(connection, statement, MOST_ROWS + 1))


def _few_rows(connection: Connection, statement: str) -> tuple[int, list[Row]]:
    """The number of columns, and at most two rows."""
    rows = list(_rows(connection, statement, 2))
    return (len(rows[0]) if rows else 1), rows


def _rows(connection: Connection, statement: str, most: int) -> Iterator[Row]:
    with connection.cursor() as cursor:
        size = _CHUNK if psycopg.pq.version() >= 170000 else 1
        stream = cast(Generator[Row], cursor.stream(statement.encode(), size=size))
        with contextlib.closing(stream):  # closing it early cancels the rest
            yield from itertools.islice(stream, most)


def _judge_rows(expected: Count, counted: int, cause: str) -> Observation:
    wanted = "no rows" if expected == 0 else f"{in_words(expected)} rows"
    seen = f"more than {MOST_ROWS} rows" if counted > MOST_ROWS else f"{counted} rows"
    if holds(expected, counted):
        return judged(wanted, seen)
    return judged(
        wanted,
        seen,
        finding(
            cause,
            f"the query found {seen} where {wanted} were expected",
            expected=wanted,
            observed=seen,
            hint="run the same query on the source: if it agrees, the records broke before the "
            "backup; if not, the backup or the restore lost them",
        ),
    )


def _judge_value(expect: OneValue, columns: int, rows: list[Row]) -> Observation:
    wanted = wanted_of(expect)
    if columns != 1:
        raise Incomparable(f"the query answers with {columns} columns; select one")
    if len(rows) != 1:
        seen = "no row" if not rows else "more than one row"
        return judged(
            wanted,
            seen,
            finding(
                "not_one_row",
                f"the query answered with {seen} where one value was expected",
                expected=wanted,
                observed=seen,
                hint="make the query an aggregate, such as count(*), so that it has one row",
            ),
        )
    value = rows[0][0]
    if fits(expect, value):
        return judged(wanted, shown(value))
    return judged(
        wanted,
        shown(value),
        finding(
            "value_out_of_range" if isinstance(expect, InRange) else "value_differs",
            "the query's value is not what was expected",
            expected=wanted,
            observed=shown(value),
            hint="run the same query on the source to see on which side the difference arose",
        ),
    )
