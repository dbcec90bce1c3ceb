"""`kill -9` of the owner at any moment: sweep then leaves nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drillctl.clock import Deadline
from drillctl.evidence.journal import read_journal
from drillctl.sandbox.providers import process_cgroup as cgroup
from drillctl.sandbox.providers import process_members as members
from drillctl.sandbox.providers.process_place import Place, place_for
from drillctl.sandbox.sweep import sweep

pytestmark = pytest.mark.postgres

OWNER = """
import sys
from datetime import timedelta
from pathlib import Path
from drillctl.command import Command
from drillctl.clock import Deadline
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers.process import ProcessProvider
order = Order(run_id=sys.argv[1], role="crash", major=None, newer_ok=True, image=None, cpus=1,
              memory=512 << 20, timeout=timedelta(seconds=float(sys.argv[3])))
box = ProcessProvider().create(order, Journal(Path(sys.argv[2])))
box.start({})
box.run(Command(argv=(box.tool("psql"), "-c", "select pg_sleep(0.2)")), timeout=30)
print(box.destroy())
"""


def owner(
    run_id: str, journal: Path, *, crash_at: int = 0, isolation: str = "", seconds: float = 120
) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", OWNER, run_id, str(journal), str(seconds)]
    env = os.environ | {"DRILLCTL_CRASH_AT": str(crash_at), "DRILLCTL_ISOLATION": isolation}
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True)


def whats_left(place: Place) -> list[str]:
    found = [str(path) for path in (place.folder, place.owner_link) if os.path.lexists(path)]
    found += [str(folder) for folder in cgroup.folders(place.name) if folder.exists()]
    found += [f"process {pid}" for pid in members.pids_of(place, ())]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if place.name in line]
    return found


@pytest.mark.slow
def test_after_any_fact_of_the_journal(tmp_path: Path) -> None:
    """Dies right after its n-th line, for every n, until a run gets to its end."""
    for crash_at in range(1, 40):
        run_id, journal = f"crash-{os.getpid()}-{crash_at}", tmp_path / f"{crash_at}.jsonl"
        with owner(run_id, journal, crash_at=crash_at) as child:
            out, _ = child.communicate(timeout=60)
        sweep()
        assert whats_left(place_for(run_id, "crash")) == []
        if child.returncode == 0:
            assert out == "()\n"
            assert crash_at == len(read_journal(journal).entries) + 1 > 5
            return
        assert child.returncode == -signal.SIGKILL
        assert len(read_journal(journal).entries) == crash_at
    pytest.fail("no run got to its end")


@pytest.mark.slow
def test_at_a_random_moment(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance, before = random.Random(seed), segments()
    for turn in range(8):
        run_id, delay = f"random-{os.getpid()}-{turn}", chance.uniform(0.2, 1.2)
        isolation = "none" if turn % 2 else ""
        with owner(run_id, tmp_path / f"{turn}.jsonl", isolation=isolation) as child:
            time.sleep(delay)
            child.kill()
        sweep()
        left = whats_left(place_for(run_id, "crash"))
        assert left == [], f"seed {seed}, killed after {delay:.3f}s"
    assert segments() <= before


def segments() -> set[str]:
    """System V shared memory that nobody uses any more."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {" ".join(line.split()[:2]) for line in lines if line.split()[6] == "0"}


@pytest.mark.parametrize("isolation", ["", "none"])
def test_the_time_limit_needs_no_owner(tmp_path: Path, isolation: str) -> None:
    """Every process ends by itself after 3 s, though its owner was killed; sweep has the rest."""
    run_id = f"alone-{os.getpid()}-{isolation}"
    place = place_for(run_id, "crash")
    with owner(run_id, tmp_path / "journal.jsonl", isolation=isolation, seconds=3) as child:
        until = Deadline(10)
        while not (place.data / "postmaster.pid").exists() and not until.passed:
            time.sleep(0.02)
        child.kill()
    assert members.pids_of(place, ())
    until = Deadline(15)
    while members.pids_of(place, ()) and not until.passed:
        time.sleep(0.05)
    assert members.pids_of(place, ()) == set()
    sweep()
    assert whats_left(place) == []


def test_whats_left_sees_a_live_sandbox(tmp_path: Path) -> None:
    """The detector of the two tests above, shown something to detect; sweep spares the living."""
    run_id = f"alive-{os.getpid()}"
    place = place_for(run_id, "crash")
    with owner(run_id, tmp_path / "alive.jsonl") as child:
        seen: list[str] = []
        for _ in range(200):
            found = whats_left(place)
            seen = max(seen, found, key=len)
            if any(item.startswith("process ") for item in found):
                swept = [one for one in sweep() if one.run_id == run_id]
                assert swept == []
                break
            time.sleep(0.02)
        out, _ = child.communicate(timeout=60)
    assert any(item.startswith("process ") for item in seen)
    assert str(place.owner_link) in seen
    assert out == "()\n"
    assert whats_left(place) == []
