"""The wall clock steps while a drill runs: durations stay right, and what it spoils is said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from drillctl.cli.run import load_plan
from drillctl.clock import Moment, SystemClock
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Verdict
from drillctl.orchestration.opening import open_run
from drillctl.orchestration.plan import Overrides
from drillctl.orchestration.rehearse import rehearse
from tests.sabotage.ground import Ground, first, ground
from tests.sabotage.sources import SMALL, take_dumps

__all__ = ["ground"]
pytestmark = [pytest.mark.postgres, pytest.mark.slow]

STEPPED = "orchestration.clock_stepped"
HOUR = timedelta(hours=1)


class SteppingClock:
    """The machine's, until the wall clock jumps `by` at the `reading`-th look."""

    def __init__(self, reading: int, by: timedelta) -> None:
        self._left, self._by, self._clock = reading, by, SystemClock()

    def now(self) -> Moment:
        self._left -= 1
        moment = self._clock.now()
        if self._left > 0:
            return moment
        return Moment(wall=moment.wall + self._by, steady=moment.steady)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return take_dumps(tmp_path_factory.mktemp("dumps"), {"small.dump": SMALL})["small.dump"]


def drilled(
    reading: int, by: timedelta, dump: Path, ground: Ground, patch: pytest.MonkeyPatch
) -> DrillRecord:
    patch.setenv("DRILLCTL_SANDBOX_DIR", str(ground.base))
    drill = ground.drill(dump, "row_counts: {min_total: 1}")
    plan = load_plan(drill, Overrides())
    run, journal = open_run(plan, ground.fresh_out(), SteppingClock(reading, by))
    return rehearse(plan, run, journal, lambda line: None)


# The clock is read for the run's name, for the journal's zero, for `run_opened`, for `declared`.
DECLARED = 4


@pytest.mark.parametrize("by", first(1, HOUR, -HOUR))
def test_a_step_after_the_disaster_is_a_note(
    by: timedelta, small: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = drilled(DECLARED + 6, by, small, ground, monkeypatch)
    (found,) = [each for each in record.findings if each.id == STEPPED]
    assert found.verdict == Verdict.PASSED
    assert f"{by.total_seconds():+.1f} s" in found.observed
    assert record.verdict == Verdict.PASSED
    assert record.rto.actual_seconds is not None
    assert 0 < record.rto.actual_seconds < 60
    assert all(0 <= phase.seconds < 60 for phase in record.phases)
    assert record.rpo.actual_seconds is not None
    assert 0 <= record.rpo.actual_seconds < 600


@pytest.mark.parametrize("by", first(1, HOUR, -HOUR))
def test_a_step_before_the_disaster_makes_the_rpa_doubtful(
    by: timedelta, small: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = drilled(DECLARED, by, small, ground, monkeypatch)
    (found,) = [each for each in record.findings if each.id == STEPPED]
    assert found.verdict == Verdict.INCONCLUSIVE
    assert record.verdict == Verdict.INCONCLUSIVE
    # The dump seems to come from the future, or an hour older than it is: never below zero.
    assert record.rpo.actual_seconds is None or record.rpo.actual_seconds >= 3600
    assert record.rto.actual_seconds is not None
    assert 0 < record.rto.actual_seconds < 60


def test_a_steady_clock_is_not_said_to_step(
    small: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = drilled(DECLARED + 6, timedelta(milliseconds=900), small, ground, monkeypatch)
    assert STEPPED not in {each.id for each in record.findings}
    assert record.verdict == Verdict.PASSED
