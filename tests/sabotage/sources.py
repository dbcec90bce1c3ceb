"""Dumps for drills that are meant to go wrong, taken by a real server that is gone afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from drillctl.command import Command
from drillctl.evidence.journal import Journal
from drillctl.restore.engines.pg_dump.server import session
from drillctl.sandbox.contract import Mount
from drillctl.sandbox.providers.process import ProcessProvider
from drillctl.sandbox.settings import loading
from tests.conftest import an_order, way_in
from tests.restore.dumping import MAJOR

SMALL = "create table item (id int primary key, note text); insert into item select n, md5(n::text)\
 from generate_series(1, 500) n;"


WIDE = """create table wide (id int, body text); alter table wide alter body set storage external;
insert into wide select n, repeat(md5(n::text), 60) from generate_series(1, 20000) n;"""


def later(make: str, returning: str, doing: str = "") -> str:
    """Rows that are harmless where they are dumped: `load(int)` does its harm where they are
    restored, in a generated column or in an index."""
    kind = "returns text language plpgsql immutable"
    return f"""create function load(int) {kind} as $$ begin return $1; end $$;
    {make}
    create or replace function load(int) {kind} as $$ begin {doing} return {returning}; end $$;"""


ROWS = """create table item (id int, body text generated always as (load(id)) stored);
alter table item alter body set storage external; insert into item select generate_series(1, {});"""
INDEX = "create table item as select generate_series(1, 50) id; create index on item (load(id));"
HUNGRY = "left(repeat('x', 400000000), 9)"


def take_dumps(
    folder: Path, recipes: Mapping[str, str], *, major: int | None = MAJOR
) -> dict[str, Path]:
    """Name -> dump of a database made by the recipe's SQL. Plain where the name ends in `.sql`,
    else custom; its database is called `name_ending`."""
    way_in(folder)
    journal = Journal(folder / "source.jsonl")
    order = replace(
        an_order("source"),
        major=major,
        newer_ok=False,
        mounts=(Mount(host=folder, writable=True),),
    )
    sandbox = ProcessProvider().create(order, journal)
    try:
        sandbox.start(loading(order.memory, order.cpus))
        for name, recipe in recipes.items():
            database = name.replace(".", "_")
            with session(sandbox.endpoint) as connection:
                connection.execute(f"create database {database}".encode())
            with session(sandbox.endpoint, database) as connection:
                connection.execute("set session_replication_role = origin")
                connection.execute(recipe.encode())
            form = "-Fp" if name.endswith(".sql") else "-Fc"
            with (folder / name).open("wb") as sink:
                argv = (sandbox.tool("pg_dump"), form, "-Z0", "-d", database)
                done = sandbox.run(Command(argv=argv), timeout=60, sink=sink)
            assert done.exit_code == 0, done.stderr
    finally:
        assert sandbox.destroy() == ()
        journal.close()
    folder.chmod(0o755)
    return {name: folder / name for name in recipes}
