"""Ctrl-C, SIGTERM and SIGHUP at every stage: teardown runs, exit 130, nothing is left."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.evidence.runs import list_runs
from drillctl.sandbox.sweep import sweep
from tests.commandline import await_moment, start_drill

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
MOMENTS = (
    "run_opened",
    "backup_chosen",
    "effect_intended",
    "effect_done",
    "provisioned",
    "restored",
    "check",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_at_any_stage_tears_down(
    moment: str, drill_file: Callable[[str], Path], tmp_path: Path
) -> None:
    number = random.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    out = tmp_path / "runs"
    process = start_drill(drill_file("process"), out)
    await_moment(out, moment, process)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, (number, stderr)
    assert "Traceback" not in stderr
    assert sweep() == ()
    (run,) = list_runs(out)
    record = run.read()
    assert record.outcome == "interrupted"
    assert record.verdict != "passed"
    assert record.statuses.cleanup == "passed"
    assert record.teardown is not None
    assert record.teardown.destroyed is True


def test_twice_leaves_things_and_names_the_command(
    drill_file: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    process = start_drill(drill_file("process"), out)
    await_moment(out, "provisioned", process)
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "drillctl sweep" in stderr or "tearing down" in stderr
    assert all(thing.removed for thing in sweep())
    assert sweep() == ()
