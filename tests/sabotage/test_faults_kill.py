"""A drill with a lab killed at any fact, many drills killed at any moment, several at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drillctl.evidence.journal import read_journal
from drillctl.evidence.runs import list_runs
from tests.commandline import Ran
from tests.sabotage.ground import FULL, Ground, ground, only_run
from tests.sabotage.sources import SMALL, take_dumps

__all__ = ["ground"]
pytestmark = [pytest.mark.postgres, pytest.mark.slow]

_LAB = """\
name: lab
kind: lab
traffic: {rate: 40/s, clients: 2, seed: 7, accounts: 40, currencies: [EUR, USD]}
backups: {engine: pg_dump, format: custom, every: 1s, keep: 2}
warm_up: 1s
"""
_LAB_DRILL = """\
name: lose-the-small-lab
objectives: {rto: 2m, rpo: 1m}
environment: lab
restore: {engine: pg_dump}
sandbox: {provider: process, cpus: 1, memory: 512MiB, timeout: 5m}
validate:
  - row_counts: {tables: {accounts: {min: 1}, transfers: {min: 1}}}
  - foreign_keys
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return take_dumps(tmp_path_factory.mktemp("dumps"), {"small.dump": SMALL})["small.dump"]


@pytest.fixture
def dice() -> random.Random:
    seed = int(os.environ.get("DRILLCTL_SEED", random.SystemRandom().randrange(1 << 30)))
    print(f"crash seed: DRILLCTL_SEED={seed}")
    return random.Random(seed)


def lab_drill(folder: Path) -> Path:
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "drills").mkdir(exist_ok=True)
    (folder / "environments/lab.yaml").write_text(_LAB)
    path = folder / "drills/lab.yaml"
    path.write_text(_LAB_DRILL)
    return path


def await_nothing(ground: Ground, seconds: float) -> list[str]:
    """An orphaned keeper notices by itself that its drill is gone."""
    deadline = time.monotonic() + seconds
    while (left := ground.traces()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


def test_a_drill_with_a_lab_killed_at_any_fact(ground: Ground, dice: random.Random) -> None:
    drill = lab_drill(ground.folder)
    clean = ground.run(drill)
    assert clean.exit_code == 0, clean.stderr
    assert clean.record["rpo"]["ledger"]["reconciles"]
    facts = read_journal(clean.folder / "journal.jsonl").entries
    marks = {entry.data["name"]: entry.seq for entry in facts if entry.kind == "mark"}
    last = facts[-1].seq
    # In the lab's own coming up and running, and in what follows its loss.
    points = range(1, last + 1) if FULL else (
        dice.randint(2, marks["lab_ready"]),
        dice.randint(marks["disaster"], last - 1),
    )  # fmt: skip
    for point in points:
        out = ground.fresh_out()
        done = ground.call(
            "run", str(drill), "--out", str(out), env={"DRILLCTL_CRASH_AT": str(point)}
        )
        assert done.returncode == -signal.SIGKILL, (point, done.stderr)
        ground.sweep()
        assert await_nothing(ground, 20) == [], point
        run = only_run(out)
        assert read_journal(run.journal).intact
        record = run.read()
        closed = read_journal(run.journal).entries[-1].kind == "run_closed"
        assert record.outcome == ("finished" if closed else "interrupted")
        assert closed or record.verdict != "passed", point


def test_many_drills_killed_at_any_moment_leave_nothing(
    small: Path, ground: Ground, dice: random.Random
) -> None:
    drill = ground.drill(small, "row_counts: {min_total: 1}")
    out = ground.fresh_out()
    began = time.monotonic()
    clean = ground.run(drill)
    whole = time.monotonic() - began
    assert clean.exit_code == 0, clean.stderr
    for _ in range(300 if FULL else 5):
        process = ground.start(drill, out)
        try:
            process.communicate(timeout=dice.uniform(0.1, whole))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=30)
    ground.sweep()
    assert await_nothing(ground, 5) == []
    for run in list_runs(out):
        reading = read_journal(run.journal)
        assert reading.intact
        if reading.entries:
            record = run.read()
            assert record.outcome == "finished" or record.verdict != "passed"
    # What cannot be read is listed all the same.
    listed = ground.call("runs", "--out", str(out))
    assert listed.returncode == 0, listed.stderr
    assert len(listed.stdout.splitlines()) == max(1, len(list_runs(out)))


def test_two_orchestrators_at_once_do_not_meet(small: Path, ground: Ground) -> None:
    """Nothing is shared but the backup and --out; the lease for one target comes with failover."""
    drill = ground.drill(small, "row_counts: {tables: {item: 500}}")
    out = ground.fresh_out()

    def one(_: int) -> Ran:
        done = ground.call("run", str(drill), "--out", str(out))
        return Ran(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, out=out)

    with ThreadPoolExecutor(2) as pool:
        every = list(pool.map(one, range(2)))
    assert [ran.exit_code for ran in every] == [0, 0], [ran.stderr for ran in every]
    effects = [
        {
            (entry.data["effect"], entry.data["name"])
            for entry in read_journal(run.journal).entries
            if entry.kind == "effect_intended"
        }
        for run in list_runs(out)
    ]
    assert len(effects) == 2
    assert all(effects)
    assert not effects[0] & effects[1]
    assert ground.traces() == []
