"""What stands in the catalog and yet does not work: invalid indexes, sleeping triggers."""

from __future__ import annotations

from dataclasses import dataclass

from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.validate.contract import Connection, finding
from drillctl.validate.describe import Key
from drillctl.validate.names import USER_SCHEMA, shown

_ALL = f"""
select 'index_invalid', 'INDEX', n.nspname, c.relname::text
from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
where not (i.indisvalid and i.indisready) and {USER_SCHEMA}
union all
select 'constraint_not_validated',
       case k.contype when 'f' then 'FK CONSTRAINT' else 'CHECK CONSTRAINT' end,
       n.nspname, t.relname || ' ' || k.conname
from pg_constraint k join pg_class t on t.oid = k.conrelid
join pg_namespace n on n.oid = t.relnamespace
where not k.convalidated and k.contype in ('f', 'c') and k.conparentid = 0 and {USER_SCHEMA}
union all
select case when g.tgisinternal then 'constraint_disabled' else 'trigger_disabled' end,
       'TRIGGER', n.nspname, t.relname || ' ' || g.tgname
from pg_trigger g join pg_class t on t.oid = g.tgrelid join pg_namespace n on n.oid = t.relnamespace
where g.tgenabled = 'D' and {USER_SCHEMA}
order by 1, 2, 3, 4
"""  # noqa: S608 - a constant

_WORDS = {
    "index_invalid": "the index is invalid: no query uses it, and it enforces nothing",
    "constraint_not_validated": "the constraint was never validated",
    "constraint_disabled": "the trigger that enforces a foreign key is disabled",
    "trigger_disabled": "the trigger is disabled",
}
_HINTS = {
    "index_invalid": "REINDEX it in the source if it is invalid there too; else see the restore's "
    "own findings",
    "constraint_not_validated": "validate it in the source: ALTER TABLE ... VALIDATE CONSTRAINT",
    "constraint_disabled": "restore without --disable-triggers, or let it run to its end",
    "trigger_disabled": "if the source has it disabled too, compare with a described structure "
    "instead of the archive, which does not say",
}
# Without a reference that says otherwise: a dump carries NOT VALID as it was in the source, where
# an archive's contents cannot tell whether a trigger slept there or was put to sleep later.
_ALONE = {
    "index_invalid": Verdict.FAILED,
    "constraint_not_validated": Verdict.PASSED,
    "constraint_disabled": Verdict.FAILED,
    "trigger_disabled": Verdict.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """`cause` is the last part of a finding's id; `key` names the object as pg_dump does."""

    cause: str
    key: Key

    def finding(self, verdict: Verdict | None = None) -> Finding:
        """`verdict` when a reference says what is expected; else what can be told without."""
        kind, schema, name = self.key
        return finding(
            self.cause,
            f"{kind} {shown(schema)}.{shown(name)}: {_WORDS[self.cause]}",
            expected="in force",
            observed=self.cause.replace("_", " "),
            hint=_HINTS[self.cause],
            verdict=verdict or _ALONE[self.cause],
        )


def ailments_of(connection: Connection) -> tuple[Ailment, ...]:
    """The connection's search_path must be pg_catalog."""
    return tuple(
        Ailment(cause=cause, key=(kind, schema, name))
        for cause, kind, schema, name in connection.execute(_ALL.encode()).fetchall()
    )
