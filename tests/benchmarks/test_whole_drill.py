"""A whole drill against plain `pg_restore -j2`, and against firedrill, side by side in one run.

`make bench` prints the tables that stand in the README. Each pair runs in turn, A B A B, so that a
machine that drifts drifts for both; what counts is the ratio of medians.

    DRILLCTL_BENCH_GB    heap of the database in GB (default 1)
    DRILLCTL_BENCH_RUNS  runs of each (default 3)
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.docker]

GB = float(os.environ.get("DRILLCTL_BENCH_GB", "1"))
RUNS = int(os.environ.get("DRILLCTL_BENCH_RUNS", "3"))
IMAGE = os.environ.get("DRILLCTL_TEST_IMAGE", "drillctl-test/postgres:15")
BIN = "/usr/lib/postgresql/15/bin"
# About 5.9 million rows of ~180 B make 1 GB of heap.
ROWS = int(5_900_000 * GB)

ACCOUNTS = """
create table account (id bigint primary key, owner text not null, currency text not null);
insert into account select n, md5(n::text), (array['EUR','USD','GBP'])[1 + n % 3]
  from generate_series(1, 50000) n;
"""
TABLE = """
create table {name} (
  id bigint generated always as identity primary key,
  account bigint not null references account,
  transfer uuid not null,
  amount numeric(18,2) not null check (amount <> 0),
  at timestamptz not null,
  memo text
);
insert into {name} (account, transfer, amount, at, memo)
  select 1 + n % 50000, md5((n / 2)::text)::uuid, (n % 9973 + 1) / 100.0,
         timestamptz '2026-01-01' + n * interval '1 second',
         md5(n::text) || md5((n * 7)::text) || md5((n * 13)::text)
  from generate_series(1, {rows}) n;
create index on {name} (account);
create index on {name} (transfer);
"""
# One table takes one COPY; several show what parallel restoring does for both sides.
SHAPES = {"one big table": ("entry",), "three tables": ("entry", "posting", "payment")}

DRILL = """\
name: bench
objectives: {{rto: 2h, rpo: 30d}}
restore: {{engine: pg_dump, from: {dump}}}
sandbox: {{provider: docker, image: "{image}", cpus: 2, memory: 4GiB, timeout: 3h}}
validate:
  - row_counts: {{tables: {{account: 50000, {counts}}}}}
  - sequences: {{}}
  - query:
      name: amounts
      sql: select count(*) from entry where amount <= 0
      expect: {{value: 0}}
"""

FIREDRILL = """\
version: 1
target: {{image: "drillctl-bench/postgres:{{major}}"}}
jobs: 2
volume: {{tables: {{account: {{min_rows: 50000}}, {counts}}}}}
semantics:
  - {{name: amounts, sql: "select count(*) from entry where amount <= 0", expect: "== 0"}}
"""

# firedrill starts the official image's way; this gives our image the same manners.
OFFICIAL = f"""\
FROM {IMAGE}
ENV PATH={BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN printf '%s\\n' '#!/bin/sh' 'set -e' \\
  'install -d -o postgres -g postgres /pg /var/run/postgresql' \\
  'printf %s "$POSTGRES_PASSWORD" > /tmp/pw && chmod 644 /tmp/pw' \\
  'setpriv --reuid postgres --regid postgres --init-groups initdb -D /pg --pwfile /tmp/pw \\
   $POSTGRES_INITDB_ARGS >/dev/null' \\
  'exec setpriv --reuid postgres --regid postgres --init-groups postgres -D /pg' \\
  > /official && chmod +x /official
ENTRYPOINT ["/official"]
"""


def _run(*argv: str, **options: object) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return str(done.stdout)


@pytest.fixture
def plain_server() -> Iterator[Callable[[Path | None], str]]:
    """A container of the same image with a default server: the running server of the comparison."""
    names: list[str] = []

    def start(folder: Path | None) -> str:
        name = f"drillctl-bench-{uuid.uuid4().hex[:8]}"
        mount = ["-v", f"{folder}:/backup"] if folder else []
        idle = ("--entrypoint", "sleep", IMAGE, "7200")
        _run("docker", "run", "-d", "--name", name, "--network", "none", "--user", "postgres",
             "-e", "PGHOST=/tmp", "-v", "/pg", "--shm-size", "1g", *mount, *idle)  # fmt: skip
        names.append(name)
        _run("docker", "exec", "--user", "0", name, "chown", "postgres", "/pg")
        _run("docker", "exec", name, f"{BIN}/initdb", "-D", "/pg", "--no-sync")
        _run("docker", "exec", name, f"{BIN}/pg_ctl", "-D", "/pg", "-w", "-t", "60",
             "-l", "/pg/log", "-o", "-k /tmp", "start")  # fmt: skip
        _run("docker", "exec", name, f"{BIN}/createdb", "bench")
        return name

    yield start
    for name in names:
        _run("docker", "rm", "-f", "-v", name)


@pytest.fixture(params=list(SHAPES))
def tables(request: pytest.FixtureRequest) -> tuple[str, ...]:
    print(f"\n\n**{request.param}**")
    return SHAPES[request.param]


@pytest.fixture
def dump(
    plain_server: Callable[[Path | None], str],
    tmp_path: Path,
    docker_engine: object,
    tables: tuple[str, ...],
) -> Path:
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    name = plain_server(tmp_path)
    each = ROWS // len(tables)
    made = [TABLE.format(name=table, rows=each) for table in tables]
    (tmp_path / "schema.sql").write_text(ACCOUNTS + "".join(made))
    _run("docker", "exec", name, f"{BIN}/psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "bench",
         "-f", "/backup/schema.sql")  # fmt: skip
    _run("docker", "exec", name, f"{BIN}/pg_dump", "-Fc", "-d", "bench", "-f", "/backup/b.dump")
    heap = _run("docker", "exec", name, f"{BIN}/psql", "-tAqd", "bench", "-c",
                "select pg_size_pretty(sum(pg_relation_size(oid))) from pg_class "
                "where relkind = 'r' and relnamespace = 'public'::regnamespace")  # fmt: skip
    _run("docker", "exec", name, "chmod", "644", "/backup/b.dump")
    _run("docker", "rm", "-f", "-v", name)
    size = (tmp_path / "b.dump").stat().st_size >> 20
    print(f"\nheap {heap.strip()}, archive {size} MiB, {RUNS} runs of each")
    return tmp_path / "b.dump"


def _time(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def _row(name: str, seconds: list[float], against: list[float]) -> None:
    median, floor = statistics.median(seconds), statistics.median(against)
    spread = f"{min(seconds):.1f}-{max(seconds):.1f}"
    print(f"| {name} | {median:.1f} s | {spread} | {median / floor:.2f} |")


def test_against_plain_pg_restore_and_firedrill(
    dump: Path,
    tables: tuple[str, ...],
    plain_server: Callable[[Path | None], str],
    tmp_path: Path,
) -> None:
    drill, each = tmp_path / "bench.yaml", ROWS // len(tables)
    counts = ", ".join(f"{table}: {each}" for table in tables)
    least = ", ".join(f"{table}: {{min_rows: {each}}}" for table in tables)
    drill.write_text(DRILL.format(dump=dump, image=IMAGE, counts=counts))
    ours, plain, theirs = [], [], []
    firedrill = shutil.which("firedrill") or _firedrill(tmp_path)
    (tmp_path / "firedrill.yml").write_text(FIREDRILL.format(counts=least))
    _run("docker", "build", "-q", "-t", "drillctl-bench/postgres:15", "-", input=OFFICIAL)
    for _ in range(RUNS):
        name = plain_server(dump.parent)
        plain.append(
            _time(
                lambda name=name: _run(  # type: ignore[misc]
                    "docker",
                    "exec",
                    name,
                    f"{BIN}/pg_restore",
                    "-j2",
                    "-d",
                    "bench",
                    "/backup/b.dump",
                )
            )
        )
        _run("docker", "rm", "-f", "-v", name)
        ours.append(
            _time(
                lambda: _run(
                    sys.executable,
                    "-m",
                    "drillctl",
                    "run",
                    str(drill),
                    "--out",
                    str(tmp_path / "runs"),
                )
            )
        )
        theirs.append(
            _time(
                lambda: _run(
                    firedrill, "run", str(dump), "--config", str(tmp_path / "firedrill.yml")
                )
            )
        )
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print("\n| | median | min-max | ratio to plain |\n|---|---|---|---|")
    _row("plain `pg_restore -j2`, server already running", plain, plain)
    _row("`drillctl run`: provision, restore, checks, teardown", ours, plain)
    _row("`firedrill run --jobs 2`: the same dump and checks", theirs, plain)
    print(f"drillctl to firedrill: {statistics.median(ours) / statistics.median(theirs):.2f}")
    print(f"largest child process: {memory} MiB")
    assert len(ours) == RUNS


def _firedrill(folder: Path) -> str:
    venv = folder / "firedrill-venv"
    _run(sys.executable, "-m", "venv", str(venv))
    _run(str(venv / "bin" / "pip"), "install", "-q", "firedrill==0.6.0")
    return str(venv / "bin" / "firedrill")
