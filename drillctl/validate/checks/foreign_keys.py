"""`foreign_keys`: every reference proved again by a scan; a restore may leave them as given.

Both tables are read sequentially and joined by hashing, never through an index that may lie.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from psycopg import sql
from pydantic import Field

from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.validate.contract import Connection, Database, Observation, Reference, finding, judged
from drillctl.validate.foreign_key import ForeignKey, foreign_keys_of, names_of
from drillctl.validate.names import TableName, find_tables, shown

KIND = "foreign_keys"

_SETTINGS = {
    "search_path": "pg_catalog",
    "enable_nestloop": "off",
    "enable_mergejoin": "off",
}
_HINT = (
    "restore an older backup, or find where the rows were lost: in the source before the backup, "
    "or on the way"
)


class ForeignKeys(Spec):
    tables: Annotated[tuple[TableName, ...], Field(min_length=1)] | None = Field(
        None, description="only references from these tables; all when left out"
    )


SPEC: type[Spec] = ForeignKeys


def label(spec: ForeignKeys) -> str:
    return f"references of {', '.join(spec.tables)}" if spec.tables else "every reference holds"


def run(spec: ForeignKeys, database: Database, reference: Reference) -> Observation:
    with database.session(_SETTINGS) as connection:
        tables, findings = find_tables(connection, spec.tables or ())
        keys = foreign_keys_of(connection)
        if spec.tables:
            chosen = {table.oid for table in tables.values()}
            keys = tuple(key for key in keys if key.child.oid in chosen)
        found = [*findings]
        proved = 0
        for key in keys:
            if key.temporal:
                found.append(_temporal(key))
                continue
            proved += 1
            orphans = _count(connection, key)
            if orphans:
                found.append(_orphaned(key, orphans, _examples(connection, key)))
        if not spec.tables:
            found.extend(_lost(names_of(connection), reference))
    if not keys and not found:
        return _none(spec, reference)
    held = proved - sum(each.id == "validate.orphans" for each in found)
    return judged(f"{len(keys)} foreign keys hold", f"{held} of {len(keys)} hold", *found)


def _count(connection: Connection, key: ForeignKey) -> int:
    row = connection.execute(sql.SQL("select count(*) from {}").format(key.orphans())).fetchone()
    return int(row[0]) if row else 0


def _examples(connection: Connection, key: ForeignKey) -> str:
    """Up to five of the missing keys, when they are numbers or uuids: text could be a name."""
    if not key.nameable:
        return ""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in key.columns)
    rows = connection.execute(
        sql.SQL("select distinct {0} from {1} order by {0} limit 5").format(columns, key.orphans())
    ).fetchall()
    return ", ".join(
        "(" + ", ".join("null" if v is None else str(v) for v in r) + ")" for r in rows
    )


def _orphaned(key: ForeignKey, count: int, examples: str) -> Finding:
    """A constraint that was never validated made no promise about the rows it found."""
    named = f"; missing keys such as {examples}" if examples else ""
    title = f"{count} rows of {key.child} refer to rows of {key.parent} that do not exist"
    return finding(
        "orphans",
        title if key.validated else f"{title}; the constraint is NOT VALID",
        expected=f"every {key} finds its row",
        observed=f"{count} rows without one, by {shown(key.name)}{named}",
        hint=_HINT if key.validated else "run the same join on the source: it may be so there too",
        verdict=Verdict.FAILED if key.validated else Verdict.INCONCLUSIVE,
    )


def _temporal(key: ForeignKey) -> Finding:
    return finding(
        "reference_not_proved",
        f"{shown(key.name)} of {key.child} refers to periods, which this check cannot prove again",
        hint="write a `query` that joins the periods",
        verdict=Verdict.INCONCLUSIVE,
    )


def _lost(there: frozenset[tuple[str, str]], reference: Reference) -> Iterable[Finding]:
    """What the archive's table of contents lists and the database lacks."""
    for kind, schema, name in sorted(reference.structure):
        if kind == "FK CONSTRAINT" and (schema, name) not in there:
            yield finding(
                "foreign_key_missing",
                f"the foreign key {shown(name)} of the archive is not in the restored database",
                expected=f"FK CONSTRAINT {shown(schema)} {shown(name)}",
                observed="none",
                hint="see the restore's own findings: adding the constraint has failed",
            )


def _none(spec: ForeignKeys, reference: Reference) -> Observation:
    if reference.structure and not spec.tables:
        return judged("as many foreign keys as the archive lists", "0, and the archive lists none")
    return judged(
        "foreign keys to prove",
        "none",
        finding(
            "nothing_to_check",
            "there is no foreign key to prove, and nothing says that there should be none",
            hint="leave `foreign_keys` out of this drill, or see whether constraints were lost",
            verdict=Verdict.INCONCLUSIVE,
        ),
    )
