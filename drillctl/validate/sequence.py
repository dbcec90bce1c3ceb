"""Sequences and the columns that they fill, as the catalog knows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from drillctl.validate.contract import Connection
from drillctl.validate.names import USER_SCHEMA, Table, shown

# A sequence fills a column as its identity (deptype i), as what the column owns (a), or by a
# default that calls nextval. A column that a partition or child inherits is its parent's. An old
# default that gives the name as text depends on nothing: it is looked for where the table is.
_USES = rf"""
with named as (
    select ad.oid as def, ad.adrelid as rel, ad.adnum as num,
           (case when m.part[2] <> '' then to_regclass(m.part[1] || m.part[2])
                 else coalesce(to_regclass(quote_ident(n.nspname) || '.' || m.part[1]),
                               to_regclass('public.' || m.part[1])) end)::oid as seq
    from pg_attrdef ad join pg_class c on c.oid = ad.adrelid
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral regexp_match(
        pg_get_expr(ad.adbin, ad.adrelid),
        'nextval\(\(''("[^"]+"|[[:alpha:]_][\w$]*)((?:\.(?:"[^"]+"|[[:alpha:]_][\w$]*))?)''::text')
        m(part)
    where m.part is not null
), used as (
    select d.objid as seq, d.refobjid as rel, d.refobjsubid as num
    from pg_depend d
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.refobjsubid > 0 and d.deptype in ('a', 'i')
    union
    select d.refobjid, ad.adrelid, ad.adnum
    from pg_depend d join pg_attrdef ad on ad.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
    union
    select seq, rel, num from named
)
select sn.nspname as schema, sc.relname as sequence, s.seqincrement as step,
       s.seqmin as least, s.seqmax as most, s.seqcycle as cycles,
       c.oid as table_oid, n.nspname as table_schema, c.relname as table_name,
       c.relkind::text as table_kind, a.attname as column_name,
       coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text as column_type,
       case when a.attidentity <> '' or ad.oid is null then null
            when exists (select from pg_depend d where d.classid = 'pg_attrdef'::regclass
                         and d.objid = ad.oid and d.refobjid = u.seq)
                 or (ad.oid, u.seq) in (select def, seq from named)
            then pg_get_expr(ad.adbin, ad.adrelid)
            else 'another' end as column_default
from used u
join pg_sequence s on s.seqrelid = u.seq
join pg_class sc on sc.oid = u.seq join pg_namespace sn on sn.oid = sc.relnamespace
join pg_class c on c.oid = u.rel join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = u.rel and a.attnum = u.num and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_attrdef ad on ad.adrelid = u.rel and ad.adnum = u.num
where {USER_SCHEMA} and (a.attislocal or a.attinhcount = 0) and sc.relpersistence <> 't'
order by n.nspname, c.relname, a.attnum, sn.nspname, sc.relname
"""  # noqa: S608 - a constant
_NUMBERS = ("smallint", "integer", "bigint", "numeric")
_PLAIN_CALL = re.compile(
    r"\(*nextval\((?:\('(?:[^']|'')*'::text\)|'(?:[^']|'')*')::regclass\)\)*"
    r"(::(?:smallint|integer|bigint|numeric))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """`why_not` says why the sequence cannot be compared with the column; None when it can."""

    schema: str
    sequence: str
    step: int
    least: int
    most: int
    table: Table
    column: str
    why_not: str | None

    @property
    def name(self) -> str:
        return f"{shown(self.schema)}.{shown(self.sequence)}"

    def ahead(self, following: int, furthest: int) -> bool:
        return following > furthest if self.step > 0 else following < furthest


def uses_of(connection: Connection) -> tuple[Use, ...]:
    """In the order of tables."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return tuple(_read(row) for row in cursor.execute(_USES))


def next_value(connection: Connection, use: Use) -> int:
    """What nextval() would give, without calling it. A cached sequence may be further still."""
    row = connection.execute(
        sql.SQL("select last_value, is_called from {}").format(
            sql.Identifier(use.schema, use.sequence)
        )
    ).fetchone()
    if row is None:
        raise RuntimeError("a sequence always has one row")
    return int(row[0]) + (use.step if row[1] else 0)


def _read(row: dict[str, Any]) -> Use:
    return Use(
        schema=row["schema"],
        sequence=row["sequence"],
        step=row["step"],
        least=row["least"],
        most=row["most"],
        table=Table(
            oid=row["table_oid"],
            schema=row["table_schema"],
            name=row["table_name"],
            kind=row["table_kind"],
        ),
        column=row["column_name"],
        why_not=_why_not(row),
    )


def _why_not(row: dict[str, Any]) -> str | None:
    if row["cycles"]:
        return "it starts again at its end"
    if row["column_type"] not in _NUMBERS:
        return f"its column is of type {row['column_type']}"
    default = row["column_default"]
    if default is not None and not _PLAIN_CALL.fullmatch(default):
        return "its column's default is not its next value alone"
    return None
