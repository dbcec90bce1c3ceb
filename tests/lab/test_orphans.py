"""A drill that dies without a word takes its lab with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from drillctl.clock import Deadline
from drillctl.evidence.owner import is_alive
from drillctl.lab.lab import Lab
from drillctl.lab.state import read_state
from drillctl.sandbox.providers.process_place import place_for

pytestmark = pytest.mark.postgres
_DRILL = """
import sys, time
from pathlib import Path
from tests.lab.small_lab import lab_environment
from drillctl.lab.lab import Lab
lab = Lab.bring_up(lab_environment(), folder=Path(sys.argv[1]), provider="process", image=None,
                   run_id=sys.argv[2], tell=lambda line: print(line, flush=True))
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("moment", ["seeding", "up"])
def test_kill_9_of_the_drill_ends_keeper_and_primary(tmp_path: Path, moment: str) -> None:
    run_id, folder = f"test-{uuid4().hex[:12]}", tmp_path / "lab"
    argv = [sys.executable, "-c", _DRILL, str(folder), run_id]
    root = Path(__file__).parents[2]
    drill = subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert drill.stdout is not None
        for line in drill.stdout:
            if moment.encode() in line:
                break
        os.kill(drill.pid, signal.SIGKILL)
        state = read_state(folder)
        assert state is not None
        deadline, place = Deadline(20), place_for(run_id, "primary")
        while is_alive(state.keeper) or place.owner_link.is_symlink():
            assert not deadline.passed
        assert not place.folder.exists()
    finally:
        drill.kill()
        drill.communicate()
        assert Lab(folder).down() == ()
