"""Die at the n-th journaled fact, for every n: the journal stays readable, nothing is left after
`sweep`, and the verdict is never better than it should be.

CI tries a sample with a fresh seed, printed; `make crash` tries every n.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.evidence.journal import read_journal
from drillctl.evidence.runs import list_runs
from drillctl.sandbox.sweep import sweep
from tests.commandline import Ran

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def _points(last: int, sample: int) -> list[int]:
    if os.environ.get("DRILLCTL_CRASH") == "full":
        return list(range(1, last + 1))
    seed = int(os.environ.get("DRILLCTL_SEED", random.SystemRandom().randrange(1 << 30)))
    print(f"crash seed: DRILLCTL_SEED={seed}")
    return sorted(random.Random(seed).sample(range(1, last + 1), sample))


@pytest.mark.parametrize("provider", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_kill_9_between_any_two_facts(
    provider: str,
    drill_file: Callable[[str], Path],
    run_drill: Callable[..., Ran],
    request: pytest.FixtureRequest,
) -> None:
    if provider == "docker":
        request.getfixturevalue("docker_engine")
    drill = drill_file(provider)
    clean = run_drill(drill)
    assert clean.exit_code == 0, clean.stderr
    last = len(read_journal(clean.folder / "journal.jsonl").entries)
    for point in _points(last, 6 if provider == "process" else 3):
        ran = run_drill(drill, env={"DRILLCTL_CRASH_AT": str(point)})
        assert ran.exit_code == -signal.SIGKILL, (point, ran.stderr)
        assert all(thing.removed for thing in sweep()), point
        assert sweep() == (), point
        reading = read_journal(ran.folder / "journal.jsonl")
        assert reading.intact, point
        assert len(reading.entries) == point
        (run,) = list_runs(ran.out)
        record = run.read()
        closed = reading.entries[-1].kind == "run_closed"
        assert record.outcome == ("finished" if closed else "interrupted"), point
        assert closed or record.verdict != "passed", point
