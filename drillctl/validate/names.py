"""Names of tables: as people write them in a drill, as the catalog holds them, as we show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from psycopg import sql
from pydantic import AfterValidator, WithJsonSchema

from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.validate.contract import Connection, finding

# Schemas that hold no data of the service. Used inside SQL; `n` is pg_namespace.
USER_SCHEMA = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_PLAIN = re.compile(r"[^\W\d]\w*")

_FIND = """
select c.oid, n.nspname, c.relname, c.relkind::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = any(%s) and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_(temp|toast)'
order by n.nspname = 'public' desc, n.nspname
"""  # noqa: E501


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A relation with rows. `kind` is pg_class.relkind: r, p(artitioned), v(iew), m, f(oreign)."""

    oid: int
    schema: str
    name: str
    kind: str = "r"

    def __str__(self) -> str:
        return f"{shown(self.schema)}.{shown(self.name)}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def only(self) -> sql.Composed:
        """In FROM: without inheriting tables, but with the partitions that make up the whole."""
        return sql.SQL("{}{}").format(sql.SQL("" if self.kind == "p" else "only "), self.identifier)


def split_name(text: str) -> tuple[str | None, str]:
    """`accounts`, `app.accounts`, `"a.b"."c""d"` into (schema or None, name), letters as written.

    Raises ValueError for more than two parts or stray quotes.
    """
    parts, at = [], 0
    while match := _PART.match(text, at):
        parts.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        at = match.end() + 1
        if match.end() == len(text) and len(parts) <= 2:
            return (parts[0] if len(parts) == 2 else None), parts[-1]
        if text[match.end() : at] != ".":
            break
    raise ValueError(
        f"{text!r} is not the name of a table: write `table` or `schema.table`, and put a part "
        'that holds a dot or a quote in double quotes, as in "odd.name"'
    )


def _checked(text: str) -> str:
    split_name(text)
    return text


TableName = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema({"type": "string", "minLength": 1}),
]


def shown(name: str) -> str:
    """A name for people: quoted when it is odd, on one line, without terminal escapes."""
    if _PLAIN.fullmatch(name):
        return name
    return '"' + printable(name.replace('"', '""')) + '"'


def printable(text: str) -> str:
    """`text` on one line: no newline, no terminal escape, nothing that a terminal acts on."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def find_tables(
    connection: Connection, names: Sequence[str]
) -> tuple[dict[str, Table], tuple[Finding, ...]]:
    """Each name as written, to its table; a finding for each that names none or several.

    A name without a schema means the table in `public`, else the only one of that name.
    """
    wanted = {text: split_name(text) for text in names}
    rows = connection.execute(_FIND, ([name for _, name in wanted.values()],)).fetchall()
    known = [
        Table(oid=oid, schema=schema, name=name, kind=kind) for oid, schema, name, kind in rows
    ]
    tables, findings = {}, []
    for text, (schema, name) in wanted.items():
        fitting = [t for t in known if t.name == name and schema in (None, t.schema)]
        if not fitting:
            findings.append(_missing(text))
        elif len(fitting) > 1 and fitting[0].schema != "public":
            findings.append(_ambiguous(text, fitting))
        else:
            tables[text] = fitting[0]
    return tables, tuple(findings)


def _missing(text: str) -> Finding:
    return finding(
        "table_missing",
        f"the table {text} is not in the restored database",
        expected=f"a table {text}",
        observed="no table of that name",
        hint="see whether the backup leaves it out, or the drill misspells it",
    )


def _ambiguous(text: str, fitting: Sequence[Table]) -> Finding:
    return finding(
        "table_ambiguous",
        f"the name {text} fits several tables",
        observed=", ".join(map(str, fitting[:5])),
        hint="write it with its schema",
        verdict=Verdict.INCONCLUSIVE,
    )
