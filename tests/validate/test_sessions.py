"""Sessions of checks: what they may not do, and that they see what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from drillctl.errors import UnsafeError
from drillctl.sandbox.contract import Endpoint, Sandbox
from drillctl.validate.contract import Connection
from drillctl.validate.database import RestoredDatabase
from tests.validate.restored import check_one, new_database, superuser

pytestmark = pytest.mark.postgres

_SECRETIVE = """
create table t (id int primary key, tenant text);
insert into t select i, 'x' from generate_series(1, 1000) i;
alter table t enable row level security;
alter table t force row level security;
create policy nobody on t using (false);
create sequence s;
create schema hidden;
create table hidden.t (id int);
revoke all on schema hidden from public;
select lo_from_bytea(4711, 'x');
analyze t;
"""


@pytest.fixture(scope="module")
def endpoint(module_sandbox: Sandbox) -> Endpoint:
    return module_sandbox.endpoint


@pytest.fixture(scope="module")
def dbname(endpoint: Endpoint) -> str:
    return new_database(endpoint, _SECRETIVE)


@pytest.fixture
def session(endpoint: Endpoint, dbname: str) -> Iterator[Connection]:
    with RestoredDatabase(endpoint, dbname).session() as connection:
        yield connection


@pytest.mark.parametrize(
    ("sql", "refused_as"),
    [
        ("insert into t values (-1)", errors.InsufficientPrivilege),
        ("update t set tenant = 'y'", errors.InsufficientPrivilege),
        ("truncate t", errors.InsufficientPrivilege),
        ("with gone as (delete from t returning 1) select 1 from gone", psycopg.Error),
        ("select nextval('s')", psycopg.Error),
        ("select setval('s', 5)", psycopg.Error),
        ("select lo_unlink(4711)", psycopg.Error),
        ("copy (select 1) to program 'true'", errors.InsufficientPrivilege),
        ("select pg_read_file('PG_VERSION')", errors.InsufficientPrivilege),
        ("select pg_ls_dir('.')", errors.InsufficientPrivilege),
        ("select pg_reload_conf()", errors.InsufficientPrivilege),
        ("select pg_switch_wal()", errors.InsufficientPrivilege),
        ("create table x ()", psycopg.Error),
        ("alter role current_user superuser", psycopg.Error),
        ("set role postgres", psycopg.Error),
        ("set zero_damaged_pages = on", errors.InsufficientPrivilege),
    ],
)
@pytest.mark.parametrize("unlocked", [False, True], ids=["read only", "read write"])
def test_nothing_can_be_written(
    session: Connection, sql: str, refused_as: type[psycopg.Error], unlocked: bool
) -> None:
    """Even SQL that talks its transaction out of being read-only has no right to write."""
    if unlocked:
        session.execute("set transaction read write")
    with pytest.raises(refused_as if unlocked else psycopg.Error):
        session.execute(sql.encode())


def test_not_even_a_temporary_table(session: Connection) -> None:
    with pytest.raises(errors.ReadOnlySqlTransaction):
        session.execute("create temporary table x ()")


def test_user_sql_is_one_statement(endpoint: Endpoint, dbname: str) -> None:
    """The protocol takes one statement, so a COMMIT cannot hide behind it."""
    result, findings = check_one(
        RestoredDatabase(endpoint, dbname),
        "query",
        # The definition would refuse this; a server-side quirk must not let it through either.
        {"sql": "select 1 /* ' */ ", "expect": {"value": 1}},
    )
    assert result.verdict == "passed", findings
    with (
        RestoredDatabase(endpoint, dbname).session() as connection,
        pytest.raises(errors.SyntaxError),
    ):
        list(connection.cursor().stream("select 1; select 2"))


def test_everything_can_be_read(session: Connection) -> None:
    """Past row policies, owners and schemas without USAGE; large objects by their table."""
    assert session.execute("select count(*) from t").fetchone() == (1000,)
    assert session.execute("select count(*) from hidden.t").fetchone() == (0,)
    assert session.execute("select last_value from s").fetchone() == (1,)
    assert session.execute("select data from pg_largeobject").fetchone() == (b"x",)


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from t",
        "select max(id) from t",
        "select * from t where id = 7",
        "select count(*) from t where id between 1 and 5",
        "select 1 from t a join t b using (id)",
    ],
)
def test_no_index_is_read(session: Connection, sql: str) -> None:
    plan = session.execute(b"explain " + sql.encode()).fetchall()
    assert "Index" not in repr(plan)
    assert "Seq Scan" in repr(plan)


def test_the_database_cannot_talk_the_session_out_of_it(endpoint: Endpoint, dbname: str) -> None:
    name = new_database(endpoint, "", template=dbname)
    hostile = {
        "zero_damaged_pages": "on",
        "ignore_checksum_failure": "on",
        "enable_indexscan": "on",
        "default_transaction_read_only": "off",
        "row_security": "on",
        "statement_timeout": "0",
        "session_replication_role": "replica",
        "TimeZone": "Asia/Tokyo",
    }
    with superuser(endpoint, name) as connection:
        for setting, value in hostile.items():
            connection.execute(f"alter database {name} set {setting} = '{value}'".encode())
        connection.execute(f"revoke connect on database {name} from public".encode())
    with RestoredDatabase(endpoint, name).session({"statement_timeout": "4711ms"}) as session:
        shown = {
            setting: (session.execute(f"show {setting}".encode()).fetchone() or ("",))[0]
            for setting in (*hostile, "transaction_read_only", "is_superuser")
        }
    assert shown == {
        "zero_damaged_pages": "off",
        "ignore_checksum_failure": "off",
        "enable_indexscan": "off",
        "default_transaction_read_only": "on",
        "row_security": "off",
        "statement_timeout": "4711ms",
        "session_replication_role": "origin",
        "TimeZone": "UTC",
        "transaction_read_only": "on",
        "is_superuser": "off",
    }


def test_another_server_is_refused(endpoint: Endpoint, dbname: str) -> None:
    """Right socket, right password, wrong nonce: nothing is made or read."""
    stranger = RestoredDatabase(replace(endpoint, nonce="somebody-else"), dbname)
    with pytest.raises(UnsafeError):
        stranger.prepare()
    with pytest.raises(UnsafeError), stranger.session():
        pass
    with pytest.raises(UnsafeError):
        check_one(stranger, "foreign_keys", {})


def test_environment_cannot_lead_elsewhere(
    endpoint: Endpoint, dbname: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service = tmp_path / "service.conf"
    service.write_text("[prod]\nhostaddr=127.0.0.1\nuser=root\n")
    for name, value in {
        "PGHOSTADDR": "127.0.0.1",
        "PGHOST": "production.example",
        "PGUSER": "root",
        "PGOPTIONS": "-c default_transaction_read_only=off",
        "PGSERVICE": "prod",
        "PGSERVICEFILE": str(service),
        "PGTARGETSESSIONATTRS": "read-only",
    }.items():
        monkeypatch.setenv(name, value)
    with RestoredDatabase(endpoint, dbname).session() as session:
        row = session.execute("select inet_server_addr(), current_setting('cluster_name')")
        assert row.fetchone() == (None, endpoint.nonce)


def test_hostile_database_name(endpoint: Endpoint) -> None:
    name = "we%i'rd\"\\ \n näme"
    with superuser(endpoint, "template1") as connection:
        connection.execute(
            psycopg.sql.SQL("create database {} template template0 encoding 'UTF8'").format(
                psycopg.sql.Identifier(name)
            )
        )
    with RestoredDatabase(endpoint, name).session() as session:
        assert session.execute("select current_database()").fetchone() == (name,)


def test_secrets_stay_out_of_sight(endpoint: Endpoint, dbname: str) -> None:
    database = RestoredDatabase(endpoint, dbname)
    database.prepare()
    secret = database._password
    assert secret not in repr(database)
    with superuser(endpoint, dbname) as connection:
        seen = connection.execute("select rolpassword from pg_authid where rolpassword is not null")
        assert secret not in repr(seen.fetchall())
