"""`sequences`: each one ahead of the keys it made, or the first insert of a new life collides."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from psycopg import sql

from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.validate.contract import Connection, Database, Observation, Reference, finding, judged
from drillctl.validate.names import Table, shown
from drillctl.validate.sequence import Use, next_value, uses_of

KIND = "sequences"


class Sequences(Spec):
    """Takes no keys: every sequence that fills a column is looked at."""


SPEC: type[Spec] = Sequences


def label(spec: Sequences) -> str:
    return "sequences ahead of their keys"


def run(spec: Sequences, database: Database, reference: Reference) -> Observation:
    with database.session({"search_path": "pg_catalog"}) as connection:
        uses = uses_of(connection)
        judged_uses = [use for use in uses if use.why_not is None]
        behind: list[Finding] = []
        compared = 0
        for table, of_table in itertools.groupby(judged_uses, key=lambda use: use.table):
            batch = tuple(of_table)
            for use, furthest in zip(batch, _furthest(connection, table, batch), strict=True):
                if furthest is None:
                    continue
                compared += 1
                following = next_value(connection, use)
                if not use.ahead(following, furthest):
                    behind.append(_behind(use, following, furthest))
    skipped = [use for use in uses if use.why_not is not None]
    if not compared:
        return _nothing(len(uses), len(judged_uses), reference)
    seen = f"{compared - len(behind)} of {compared} are ahead"
    empty = len(judged_uses) - compared
    if empty:
        seen += f"; {empty} of tables without rows"
    if skipped:
        seen += "; not judged: " + ", ".join(f"{use.name} ({use.why_not})" for use in skipped[:5])
    return judged(f"{compared} sequences are ahead of their columns", seen, *behind)


def _furthest(connection: Connection, table: Table, uses: Sequence[Use]) -> tuple[int | None, ...]:
    """How far each column has come in its sequence's direction, in one scan of the table."""
    columns = sql.SQL(", ").join(
        sql.SQL("{}({}) filter (where {} between {} and {})").format(
            sql.SQL("max" if use.step > 0 else "min"),
            *(sql.Identifier(use.column),) * 2,
            sql.Literal(use.least),
            sql.Literal(use.most),
        )
        for use in uses
    )
    row = connection.execute(
        sql.SQL("select {} from {}").format(columns, table.identifier)
    ).fetchone()
    return tuple(None if value is None else int(value) for value in row or ())


def _behind(use: Use, following: int, furthest: int) -> Finding:
    return finding(
        "sequence_behind",
        f"the sequence {use.name} is behind {use.table}.{shown(use.column)}",
        expected=f"a next value {'above' if use.step > 0 else 'below'} {furthest}",
        observed=f"next value {following}",
        hint="set it with setval() before the service writes, and find out why the backup or the "
        "restore lost its position",
    )


def _nothing(uses: int, judgeable: int, reference: Reference) -> Observation:
    listed = any(kind == "SEQUENCE" for kind, _, _ in reference.structure)
    if not uses and reference.structure and not listed:
        return judged("as many sequences as the archive lists", "0, and the archive lists none")
    why = "no column is filled by a sequence"
    if uses:
        why = "no sequence can be judged" if not judgeable else "every table with one is empty"
    return judged(
        "sequences to compare with their columns",
        why,
        finding(
            "nothing_to_check",
            f"no sequence could be compared: {why}",
            hint="leave `sequences` out of this drill, or see whether rows or sequences were lost",
            verdict=Verdict.INCONCLUSIVE,
        ),
    )
