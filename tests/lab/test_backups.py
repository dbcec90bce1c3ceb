"""Backups as an operator's cron job takes them: whole under their name, or not under it."""

from __future__ import annotations

import gzip
import lzma
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import lz4.frame
import pytest
import zstandard

from drillctl.clock import Deadline, SystemClock
from drillctl.evidence.journal import Journal
from drillctl.lab.backups import FORMATS, Scheduler, take_backup
from drillctl.lab.loss_ledger import LossLedger
from drillctl.lab.payments import Stream, chart_of
from drillctl.lab.seeding import make_database, seed
from drillctl.lab.sessions import OWNER, connect
from drillctl.sandbox.contract import Mount, Sandbox
from drillctl.sandbox.providers.process import ProcessProvider
from drillctl.sandbox.settings import serving
from tests.conftest import an_order, way_in

pytestmark = pytest.mark.postgres
CLOCK = SystemClock()
SERVING = serving(512 << 20, 1)
EPOCH = datetime(2026, 11, 24, 5, tzinfo=UTC)


def _seed(sandbox: Sandbox, folder: Path, *, seed_: int = 7) -> None:
    with connect(sandbox.endpoint, database="postgres") as admin:
        admin.autocommit = True
        make_database(admin)
    ledger = LossLedger(folder / "ledger", run_id="run", seed=seed_)
    with connect(sandbox.endpoint, role=OWNER) as owner:
        seed(owner, Stream("run", seed_, chart_of(60, ("EUR", "USD"))), ledger, CLOCK, EPOCH)
    ledger.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    return way_in(folder)


@pytest.fixture
def folder(shared: Path) -> Path:
    """An empty folder that the primary may write into."""
    folder = shared / uuid4().hex
    folder.mkdir()
    return way_in(folder)


@pytest.fixture(scope="module")
def primary(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    order = replace(an_order(), role="primary", mounts=(Mount(host=shared, writable=True),))
    own = tmp_path_factory.mktemp("primary")
    journal = Journal(own / "journal.jsonl")
    sandbox = ProcessProvider().create(order, journal)
    try:
        sandbox.start(SERVING)
        _seed(sandbox, own)
        yield sandbox
    finally:
        assert sandbox.destroy() == ()
        journal.close()


def _beginning(path: Path) -> bytes:
    """The first bytes of a dump, whatever it is wrapped in."""
    if path.is_dir():
        return (path / "toc.dat").read_bytes()[:5]
    data = path.read_bytes()
    unwrap = {
        ".gz": gzip.decompress,
        ".xz": lzma.decompress,
        ".lz4": lz4.frame.decompress,
        ".zst": lambda raw: zstandard.ZstdDecompressor().stream_reader(raw).read(),
    }
    return bytes(unwrap.get(path.suffix, bytes)(data))


def test_every_format_is_written_whole(primary: Sandbox, folder: Path) -> None:
    for name, form in FORMATS.items():
        taken = take_backup(primary, folder, form, CLOCK)
        assert taken.ok, name
        assert taken.size_bytes > 1000
        assert taken.began_at < taken.ended_at
        assert taken.name == f"ledger-{taken.began_at:%Y%m%dT%H%M%SZ}{form.suffix}"
        content = _beginning(folder / taken.name)
        if form.letter == "p":
            assert b"PostgreSQL database dump complete" in content[-400:]
        else:
            assert content.startswith(b"toc.dat" if form.letter == "t" else b"PGDMP")
    roles = (folder / "globals.sql").read_text()
    assert "CREATE ROLE ledger_owner" in roles
    assert "CREATE ROLE ledger_app" in roles
    assert "PASSWORD" not in roles
    assert not [path for path in folder.iterdir() if path.name.endswith(".partial")]


def test_one_that_a_disaster_interrupts_stays_half_written(primary: Sandbox, folder: Path) -> None:
    blocker, watcher = connect(primary.endpoint), connect(primary.endpoint)
    blocker.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
    watcher.autocommit = True
    with ThreadPoolExecutor(1) as pool:
        dumping = pool.submit(take_backup, primary, folder, FORMATS["custom"], CLOCK)
        deadline, waiting = Deadline(10), "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while watcher.execute(waiting).fetchone() == (0,):
            assert not deadline.passed
        primary.kill()
        taken = dumping.result(timeout=10)
    blocker.close()
    watcher.close()
    assert not taken.ok
    assert taken.name.endswith(".dump.partial")
    assert [path.name for path in folder.iterdir()] == [taken.name]
    primary.start(SERVING)


def test_only_the_newest_are_kept(primary: Sandbox, folder: Path) -> None:
    scheduler = Scheduler(primary, folder, form="custom", every=1.0, keep=2, clock=CLOCK)
    scheduler.start()
    deadline = Deadline(20)
    while len(scheduler.taken()) < 4:
        assert not deadline.passed
        threading.Event().wait(0.05)
    scheduler.stop()
    assert scheduler.join(10)
    taken = scheduler.taken()
    assert all(one.ok for one in taken)
    kept = sorted(path.name for path in folder.glob("*.dump"))
    assert kept == [one.name for one in taken[-2:]]


def test_the_same_seed_makes_the_same_contents(
    primary: Sandbox, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    _seed(sandbox, tmp_path / "second")
    contents = []
    for one in (primary, sandbox):
        with connect(one.endpoint) as connection:
            contents.append(
                [
                    connection.execute(query).fetchall()
                    for query in (
                        "SELECT * FROM accounts ORDER BY id",
                        "SELECT * FROM transfers ORDER BY id",
                        "SELECT * FROM entries ORDER BY transfer_id, leg",
                        "SELECT * FROM outbox ORDER BY id",
                        "SELECT title, lo_get(body) FROM documents ORDER BY title",
                    )
                ]
            )
    assert contents[0] == contents[1]
    assert all(contents[0])
