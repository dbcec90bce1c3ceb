"""A foreign key as the catalog holds it, and the SQL that finds rows which break it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from drillctl.validate.contract import Connection
from drillctl.validate.names import USER_SCHEMA, Table, shown

# Newer catalogs have more columns (PERIOD and NOT ENFORCED from 18), so those are asked by name.
_ALL = f"""
select k.conname as name,
       k.convalidated and coalesce(to_jsonb(k)->>'conenforced', 'true')::bool as validated,
       coalesce(to_jsonb(k)->>'conperiod', 'false')::bool as temporal,
       k.confmatchtype = 'f' as match_full,
       c.oid as child_oid, n.nspname as child_schema, c.relname as child_name,
       c.relkind::text as child_kind,
       p.oid as parent_oid, pn.nspname as parent_schema, p.relname as parent_name,
       p.relkind::text as parent_kind,
       array(select a.attname::text from unnest(k.conkey) with ordinality u(num, at)
             join pg_attribute a on a.attrelid = c.oid and a.attnum = u.num
             order by u.at) as columns,
       array(select a.attname::text from unnest(k.confkey) with ordinality u(num, at)
             join pg_attribute a on a.attrelid = p.oid and a.attnum = u.num
             order by u.at) as referenced,
       array(select array[opn.nspname::text, o.oprname::text]
             from unnest(k.conpfeqop) with ordinality u(op, at) join pg_operator o on o.oid = u.op
             join pg_namespace opn on opn.oid = o.oprnamespace order by u.at) as operators,
       (select bool_and(coalesce(nullif(t.typbasetype, 0), t.oid) in
               ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'uuid'::regtype))
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum = any(k.conkey)) as nameable
from pg_constraint k
join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
where k.contype = 'f' and k.conparentid = 0 and {USER_SCHEMA}
order by n.nspname, c.relname, k.conname
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """`operators` are (schema, name) pairs that compare parent with child, column by column.

    `validated` is False when the database never promised it for old rows; `temporal` when its
    last column is a period; `nameable` when its values may be shown: numbers and uuids.
    """

    name: str
    validated: bool
    temporal: bool
    full: bool
    child: Table
    parent: Table
    columns: tuple[str, ...]
    referenced: tuple[str, ...]
    operators: tuple[tuple[str, str], ...]
    nameable: bool

    def __str__(self) -> str:
        return f"{self.child}({', '.join(map(shown, self.columns))})"

    def orphans(self) -> sql.Composed:
        """A FROM item of the child rows without a parent row. With MATCH SIMPLE, a row that has a
        null in its key refers to nothing; with MATCH FULL only one that is null throughout."""
        columns = [sql.SQL("c.{}").format(sql.Identifier(name)) for name in self.columns]
        glue = sql.SQL(" or " if self.full else " and ")
        refers = glue.join(sql.SQL("{} is not null").format(column) for column in columns)
        same = sql.SQL(" and ").join(
            sql.SQL("p.{} operator({}.{}) {}").format(
                sql.Identifier(theirs), sql.Identifier(schema), sql.SQL(operator), ours
            )
            for theirs, (schema, operator), ours in zip(
                self.referenced, self.operators, columns, strict=True
            )
        )
        return sql.SQL(
            "(select c.* from {} c where ({}) and not exists (select from {} p where {})) orphan"
        ).format(self.child.only, refers, self.parent.only, same)


def foreign_keys_of(connection: Connection) -> tuple[ForeignKey, ...]:
    """Every foreign key of the database's user schemas; of a partitioned table, only its own."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return tuple(_read(row) for row in cursor.execute(_ALL))


def names_of(connection: Connection) -> frozenset[tuple[str, str]]:
    """(schema, `table constraint`) of every foreign key, those of single partitions among them."""
    rows = connection.execute(
        "select n.nspname, c.relname || ' ' || k.conname from pg_constraint k"
        " join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace"
        " where k.contype = 'f'"
    ).fetchall()
    return frozenset((schema, name) for schema, name in rows)


def _read(row: dict[str, Any]) -> ForeignKey:
    child, parent = (
        Table(
            oid=row[f"{side}_oid"],
            schema=row[f"{side}_schema"],
            name=row[f"{side}_name"],
            kind=row[f"{side}_kind"],
        )
        for side in ("child", "parent")
    )
    return ForeignKey(
        name=row["name"],
        validated=row["validated"],
        temporal=row["temporal"],
        full=row["match_full"],
        child=child,
        parent=parent,
        columns=tuple(row["columns"]),
        referenced=tuple(row["referenced"]),
        operators=tuple((schema, operator) for schema, operator in row["operators"]),
        nameable=row["nameable"],
    )
