"""Seeded faults that checks must name, each beside the clean copy that must pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Endpoint, Sandbox
from drillctl.validate.database import RestoredDatabase
from tests.validate.restored import (
    a_reference,
    check_one,
    listed,
    new_database,
    reset,
    run_script,
)

pytestmark = pytest.mark.postgres

FAILED, INCONCLUSIVE, PASSED = Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED
LEAK = "l3ak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`schema` makes the clean copy, `seed` breaks it; `says` must stand in some finding."""

    name: str
    kind: str
    schema: str
    seed: str
    finding: str
    spec: dict[str, Any] = field(default_factory=dict)
    verdict: Verdict = FAILED
    says: str = ""


_ODD = """create schema "s.%s"; create table "s.%s"."t ""ä%%
\x1b[31m" ("i d%s" bigint primary key, "up" bigint references "s.%s"."t ""ä%%
\x1b[31m", "ts'" timestamptz default '2026-11-24 04:59Z');
insert into "s.%s"."t ""ä%%
\x1b[31m" values (1, null), (2, 1);"""
_ODD_NAME = '"s.%s"."t ""ä%%\n\x1b[31m"'
_ODD_SQL = _ODD_NAME
_LOOSE = "set session_replication_role = replica; "
_PARENT = "create table p (id int primary key); insert into p select generate_series(1, 10); "
_PAIRS = (
    "create table p (a int, b text, primary key (a, b)); insert into p values (1, 'x'), (2, 'y'); "
)

COUNTS = (
    Fault(
        name="a table is gone",
        kind="row_counts",
        schema=_PARENT,
        seed="drop table p",
        spec={"tables": {"p": 10}},
        finding="validate.table_missing",
        says="p",
    ),
    Fault(
        name="a table is empty",
        kind="row_counts",
        schema=_PARENT,
        seed="truncate p",
        spec={"tables": {"public.p": {"min": 1}}},
        finding="validate.row_count_differs",
        says="public.p is empty",
    ),
    Fault(
        name="a row came twice under a broken primary key",
        kind="row_counts",
        schema=_PARENT,
        seed="set allow_system_table_mods = on;"
        "update pg_index set indisready = false where indrelid = 'p'::regclass;"
        "insert into p values (7);"
        "update pg_index set indisready = true where indrelid = 'p'::regclass",
        spec={"tables": {"p": 10}},
        finding="validate.row_count_differs",
        says="11",
    ),
    Fault(
        name="a partition is empty",
        kind="row_counts",
        schema="create table m (d int) partition by range (d);"
        "create table m1 partition of m for values from (0) to (10);"
        "create table m2 partition of m for values from (10) to (20);"
        "insert into m select generate_series(0, 19)",
        seed="truncate m2",
        spec={"tables": {"m": 20}, "min_total": 20},
        finding="validate.too_few_rows",
        says="1 of them empty",
    ),
    Fault(
        name="rows of an odd table are gone",
        kind="row_counts",
        schema=_ODD,
        seed=f"delete from {_ODD_SQL}",
        spec={"tables": {_ODD_NAME: 2}},
        finding="validate.row_count_differs",
    ),
    Fault(
        name="a name that fits two tables",
        kind="row_counts",
        schema="create schema a; create table a.t as select 1 as id",
        seed="create schema b; create table b.t as select 1 as id",
        spec={"tables": {"t": 1}},
        finding="validate.table_ambiguous",
        verdict=INCONCLUSIVE,
        says="a.t, b.t",
    ),
    Fault(
        name="rows of an extension are not rows of the service",
        kind="row_counts",
        schema=_PARENT,
        seed="truncate p; alter extension plpgsql add table p; create table e (); truncate e",
        spec={"min_total": 1},
        finding="validate.too_few_rows",
    ),
)

_LOG = "create table log (at {type}); insert into log values {rows};"
FRESH = (
    Fault(
        name="the newest rows are gone",
        kind="freshness",
        schema=_LOG.format(type="timestamptz", rows="('2026-11-24 04:59Z'), ('2026-11-24 04:00Z')"),
        seed="delete from log where at > '2026-11-24 04:30Z'",
        spec={"table": "log", "column": "at", "max_age": "10m"},
        finding="validate.stale",
        says="1h old",
    ),
    Fault(
        name="no rows at all",
        kind="freshness",
        schema=_LOG.format(type="date", rows="('2026-11-24')"),
        seed="truncate log",
        spec={"table": "log", "column": "at", "max_age": "6h"},
        finding="validate.nothing_fresh",
    ),
    Fault(
        name="only empty and endless times",
        kind="freshness",
        schema=_LOG.format(type="timestamptz", rows="('2026-11-24 04:59Z'), (null)"),
        seed="update log set at = '-infinity' where at is not null",
        spec={"table": "log", "column": "at", "max_age": "6h"},
        finding="validate.nothing_fresh",
    ),
    Fault(
        name="times moved ahead",
        kind="freshness",
        schema=_LOG.format(type="timestamptz", rows="('2026-11-24 04:59Z')"),
        seed="insert into log select at + interval '2 h' from log",
        spec={"table": "log", "column": "at", "max_age": "10m"},
        finding="validate.future_value",
        verdict=INCONCLUSIVE,
    ),
    Fault(
        name="an endless time hides nothing",
        kind="freshness",
        schema=_LOG.format(type="timestamptz", rows="('2026-11-24 04:59Z')"),
        seed="update log set at = 'infinity'; insert into log values ('290000-01-01')",
        spec={"table": "log", "column": "at", "max_age": "10m"},
        finding="validate.future_value",
    ),
    Fault(
        name="local times in their zone",
        kind="freshness",
        schema=_LOG.format(type="timestamp", rows="('2026-11-24 05:59')"),
        seed="update log set at = at - interval '1 h'",
        spec={"table": "log", "column": "at", "max_age": "10m", "timezone": "Europe/Berlin"},
        finding="validate.stale",
        says="1h1m old",
    ),
    Fault(
        name="a column of another type",
        kind="freshness",
        schema=_LOG.format(type="timestamptz", rows="('2026-11-24 04:59Z')"),
        seed="alter table log alter at type bigint using extract(epoch from at)",
        spec={"table": "log", "column": "at", "max_age": "10m"},
        finding="validate.check_broken",
        verdict=INCONCLUSIVE,
        says="type bigint",
    ),
    Fault(
        name="an odd column",
        kind="freshness",
        schema=_ODD,
        seed=f"update {_ODD_SQL} set \"ts'\" = '2020-01-01'",
        spec={"table": _ODD_NAME, "column": "ts'", "max_age": "10m"},
        finding="validate.stale",
    ),
)

KEYS = (
    Fault(
        name="a parent is gone",
        kind="foreign_keys",
        schema=_PARENT + "create table c (p int references p); insert into c values (3), (null);",
        seed=_LOOSE + "delete from p where id = 3",
        finding="validate.orphans",
        says="missing keys such as (3)",
    ),
    Fault(
        name="a key of two columns",
        kind="foreign_keys",
        schema=_PAIRS
        + "create table c (a int, b text, foreign key (a, b) references p);"
        + "insert into c values (1, 'x'), (1, null), (null, 'q')",
        seed=_LOOSE + f"insert into c values (2, '{LEAK}')",
        finding="validate.orphans",
        says="1 rows of public.c",
    ),
    Fault(
        name="match full, half null",
        kind="foreign_keys",
        schema=_PAIRS
        + "create table c (a int, b text, foreign key (a, b) references p match full);"
        + "insert into c values (1, 'x'), (null, null)",
        seed=_LOOSE + "insert into c values (1, null)",
        finding="validate.orphans",
    ),
    Fault(
        name="a table that refers to itself",
        kind="foreign_keys",
        schema=_ODD,
        seed=_LOOSE + f'delete from {_ODD_SQL} where "i d%s" = 1',
        finding="validate.orphans",
        says="\\x1b[31m",
    ),
    Fault(
        name="partitions on both sides",
        kind="foreign_keys",
        schema="create table p (id int primary key) partition by range (id);"
        "create table p1 partition of p for values from (0) to (10);"
        "create table p2 partition of p for values from (10) to (20);"
        "create table c (p bigint references p, k int) partition by list (k);"
        "create table c1 partition of c for values in (1);"
        "create table c2 partition of c for values in (2);"
        "insert into p select generate_series(1, 19);"
        "insert into c select i, 1 + i % 2 from generate_series(1, 19) i",
        seed=_LOOSE + "delete from p2 where id = 12",
        finding="validate.orphans",
        says="1 rows of public.c refer",
    ),
    Fault(
        name="rows of an inheriting table do not count for its parent",
        kind="foreign_keys",
        schema=_PARENT + "create table h () inherits (p);"
        "create table c (p int references p); insert into c values (3)",
        seed=_LOOSE + "delete from only p where id = 3; insert into h values (3)",
        finding="validate.orphans",
    ),
    Fault(
        name="a constraint that was never validated",
        kind="foreign_keys",
        schema=_PARENT + "create table c (p int); insert into c values (1);"
        "alter table c add foreign key (p) references p not valid",
        seed=_LOOSE + "insert into c values (99)",
        finding="validate.orphans",
        verdict=INCONCLUSIVE,
        says="NOT VALID",
    ),
    Fault(
        name="a constraint is gone",
        kind="foreign_keys",
        schema=_PARENT + "create table c (p int references p); create table d (p int references p)",
        seed="alter table c drop constraint c_p_fkey",
        finding="validate.foreign_key_missing",
        says="c_p_fkey",
    ),
    Fault(
        name="the table to look at is gone",
        kind="foreign_keys",
        schema=_PARENT + "create table c (p int references p); create table d (p int references p)",
        seed="drop table d",
        spec={"tables": ["c", "d"]},
        finding="validate.table_missing",
    ),
)

SEQUENCES = (
    Fault(
        name="a serial is behind",
        kind="sequences",
        schema="create table t (id serial); insert into t select from generate_series(1, 9)",
        seed="select setval('t_id_seq', 8)",
        finding="validate.sequence_behind",
        says="public.t_id_seq is behind public.t.id",
    ),
    Fault(
        name="at the newest key, and not called",
        kind="sequences",
        schema="create table t (id int generated always as identity);"
        "insert into t select from generate_series(1, 9)",
        seed="select setval('t_id_seq', 9, false)",
        finding="validate.sequence_behind",
        says="next value 9",
    ),
    Fault(
        name="downwards",
        kind="sequences",
        schema="create sequence s increment -1; create table t (id int default nextval('s'));"
        "insert into t select from generate_series(1, 9)",
        seed="select setval('s', -5)",
        finding="validate.sequence_behind",
        says="below -9",
    ),
    Fault(
        name="shared by two tables, ahead of one",
        kind="sequences",
        schema="create sequence s; create table t (id int default nextval('s'));"
        "create table u (id int default nextval('s')); insert into t select; insert into u select",
        seed="insert into u values (50)",
        finding="validate.sequence_behind",
        says="public.u.id",
    ),
    Fault(
        name="of a partitioned table with an odd name",
        kind="sequences",
        schema='create table "T""%s" (id bigserial, k int) partition by list (k);'
        'create table t1 partition of "T""%s" for values in (1);'
        'insert into "T""%s" (k) select 1 from generate_series(1, 9)',
        seed="""select setval('"T""%s_id_seq"', 1)""",
        finding="validate.sequence_behind",
    ),
    Fault(
        name="nothing left to compare",
        kind="sequences",
        schema="create table t (id serial); insert into t select",
        seed="truncate t",
        finding="validate.nothing_to_check",
        verdict=INCONCLUSIVE,
        says="every table with one is empty",
    ),
)

_LEAKS = f"create table t (v text, n int); insert into t values ('{LEAK}', 1);"
QUERIES = (
    Fault(
        name="a value that cannot be read",
        kind="query",
        schema="create table t (v text); insert into t values ('1')",
        seed=f"insert into t values ('{LEAK}')",
        spec={"sql": "select sum(v::int) from t", "expect": {"value": 1}},
        finding="validate.check_broken",
        verdict=INCONCLUSIVE,
        says="22P02",
    ),
    Fault(
        name="a function that tells",
        kind="query",
        schema=_LEAKS + "create function f(x text, n int) returns bool language plpgsql as $$"
        "begin if n > 1 then raise using message = x, errcode = '22000'; end if;"
        " return true; end$$",
        seed="update t set n = 2",
        spec={"sql": "select bool_and(f(v, n)) from t", "expect": True},
        finding="validate.check_broken",
        verdict=INCONCLUSIVE,
        says="SQLSTATE 22000",
    ),
    Fault(
        name="a value of text",
        kind="query",
        schema="create table t (v text); insert into t values ('fine')",
        seed=f"update t set v = '{LEAK}'",
        spec={"sql": "select v from t", "expect": {"value": "fine"}},
        finding="validate.value_differs",
        says="text of 4 characters",
    ),
    Fault(
        name="a value out of range",
        kind="query",
        schema="create table t (n numeric); insert into t values (1.5)",
        seed="insert into t values (99)",
        spec={"sql": "select sum(n) from t", "expect": {"range": [1, 2]}},
        finding="validate.value_out_of_range",
        says="100.5",
    ),
    Fault(
        name="null is in no range",
        kind="query",
        schema="create table t (n numeric); insert into t values (1.5)",
        seed="truncate t",
        spec={"sql": "select sum(n) from t", "expect": {"range": [1, 2]}},
        finding="validate.value_out_of_range",
        says="null",
    ),
    Fault(
        name="no row where one was expected",
        kind="query",
        schema="create table t (n int); insert into t values (1)",
        seed="truncate t",
        spec={"sql": "select n from t", "expect": {"value": 1}},
        finding="validate.not_one_row",
    ),
    Fault(
        name="more rows than one",
        kind="query",
        schema="create table t (n int); insert into t values (1)",
        seed="insert into t values (1)",
        spec={"sql": "select n from t", "expect": {"value": 1}},
        finding="validate.not_one_row",
    ),
    Fault(
        name="a number of rows",
        kind="query",
        schema="create table t (n int); insert into t values (1)",
        seed="insert into t values (1), (1)",
        spec={"sql": "table t", "expect": {"rows": {"min": 1, "max": 2}}},
        finding="validate.row_count_differs",
        says="3 rows",
    ),
    Fault(
        name="false",
        kind="query",
        schema="create table t (n int); insert into t values (1)",
        seed="insert into t values (-1)",
        spec={"sql": "select bool_and(n > 0) from t", "expect": True},
        finding="validate.value_differs",
    ),
)


@pytest.fixture(scope="module")
def endpoint(module_sandbox: Sandbox) -> Endpoint:
    return module_sandbox.endpoint


@pytest.fixture(scope="module")
def copy(endpoint: Endpoint) -> str:
    return new_database(endpoint, "")


@pytest.mark.parametrize(
    "fault",
    [*COUNTS, *FRESH, *KEYS, *SEQUENCES, *QUERIES],
    ids=lambda fault: f"{fault.kind}: {fault.name}",
)
def test_fault_is_named(fault: Fault, endpoint: Endpoint, copy: str) -> None:
    reset(endpoint, copy, fault.schema)
    database = RestoredDatabase(endpoint, copy)
    reference = a_reference(listed(endpoint, copy))
    result, findings = check_one(database, fault.kind, fault.spec, reference=reference)
    assert (result.verdict, findings) == (PASSED, ()), "the clean copy must pass"

    run_script(endpoint, copy, fault.seed)
    result, findings = check_one(database, fault.kind, fault.spec, reference=reference)
    assert fault.finding in {each.id for each in findings}
    assert result.verdict == fault.verdict, findings
    assert fault.says in repr([(each.title, each.observed, each.expected) for each in findings])
    assert LEAK not in repr((result, findings))
    assert "\x1b" not in "".join(each.title + each.observed for each in findings)
