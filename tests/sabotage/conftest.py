"""A small drill on a real dump, made once a session; and a way to run it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from drillctl.command import Command
from drillctl.evidence.journal import Journal
from drillctl.sandbox.catalogue import PROVIDERS
from drillctl.sandbox.contract import Mount, Order
from drillctl.sandbox.settings import loading
from tests.commandline import Ran, drillctl

DRILL = """\
name: small
objectives: {{rto: 2m, rpo: 1d}}
restore: {{engine: pg_dump, from: {dump}}}
sandbox: {{provider: {provider}, cpus: 1, memory: 512MiB, timeout: 5m}}
validate:
  - row_counts: {{tables: {{person: 2000, pet: {{min: 100}}}}}}
  - foreign_keys: {{}}
  - sequences: {{}}
"""

SQL = """
create table person (id bigint generated always as identity primary key, name text not null);
create table pet (id bigserial primary key, person bigint not null references person, name text);
insert into person (name) select 'person ' || n from generate_series(1, 2000) n;
insert into pet (person, name) select 1 + n % 2000, 'pet ' || n from generate_series(1, 5000) n;
"""


@pytest.fixture(scope="session")
def small_dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A custom-format dump of two tables, taken by a real server of our own."""
    folder = tmp_path_factory.mktemp("small")
    folder.chmod(0o777)
    journal = Journal(folder / "journal.jsonl")
    order = Order(
        run_id="make-small-dump",
        role=f"source-{os.getpid()}",
        major=None,
        newer_ok=True,
        image=None,
        cpus=1,
        memory=256 << 20,
        timeout=timedelta(minutes=5),
        mounts=(Mount(host=folder, writable=True),),
    )
    sandbox = PROVIDERS["process"]().create(order, journal)
    try:
        sandbox.start(loading(order.memory, 1))
        endpoint = sandbox.endpoint
        with psycopg.connect(
            host=str(endpoint.socket_dir),
            port=endpoint.port,
            user=endpoint.user,
            password=endpoint.password,
            dbname="postgres",
            autocommit=True,
        ) as connection:
            connection.execute("create database small")
        with psycopg.connect(
            host=str(endpoint.socket_dir),
            port=endpoint.port,
            user=endpoint.user,
            password=endpoint.password,
            dbname="small",
        ) as connection:
            connection.execute(SQL)
        with (folder / "small.dump").open("wb") as sink:
            dumped = sandbox.run(
                Command(argv=(sandbox.tool("pg_dump"), "-Fc", "-d", "small")),
                timeout=60,
                sink=sink,
            )
        assert dumped.exit_code == 0, dumped.stderr
    finally:
        assert sandbox.destroy() == ()
        journal.close()
    return folder / "small.dump"


@pytest.fixture
def drill_file(small_dump: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Write the small drill for a provider."""

    def write(provider: str) -> Path:
        path = tmp_path / f"{provider}.yaml"
        path.write_text(DRILL.format(dump=small_dump, provider=provider))
        return path

    return write


@pytest.fixture
def run_drill(tmp_path: Path) -> Iterator[Callable[..., Ran]]:
    """Run a drill through the command line into a fresh --out; sweeps at the end."""

    def run(drill: Path, *argv: str, env: Mapping[str, str] | None = None) -> Ran:
        out = tmp_path / f"runs-{len(list(tmp_path.iterdir()))}"
        done = drillctl("run", str(drill), "--out", str(out), *argv, env=env)
        return Ran(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, out=out)

    yield run
    drillctl("sweep")
