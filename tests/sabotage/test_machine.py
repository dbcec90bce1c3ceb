"""The machine fails, not the backup: inconclusive by name, never failed, never passed."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drillctl.evidence.journal import read_journal
from drillctl.evidence.runs import list_runs
from drillctl.sandbox.providers import process_cell
from drillctl.sandbox.sweep import sweep
from tests.commandline import Ran, await_moment, drillctl, start_drill

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

HUNGRY = """\
name: hungry
objectives: {{rto: 2m, rpo: 1d}}
restore: {{engine: pg_dump, from: {dump}}}
sandbox: {{provider: {provider}, cpus: 1, memory: 160MiB, timeout: 5m}}
validate:
  - query:
      name: eats memory
      sql: "select length(string_agg(repeat('x', 1000), '')) > 0 from generate_series(1, 900000)"
      expect: true
"""


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 20 MiB."""
    if process_cell.method_here() != "namespaces":
        pytest.skip("NOT TESTED: only root with namespaces mounts a tmpfs")
    folder = tmp_path / "tiny"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_no_engine_is_inconclusive_and_says_how_to_mend(
    drill_file: Callable[[str], Path], run_drill: Callable[..., Ran]
) -> None:
    ran = run_drill(drill_file("docker"), env={"DOCKER_HOST": "unix:///nowhere.sock"})
    assert ran.exit_code == 3, ran.stderr
    assert ran.record["verdict"] == "inconclusive"
    assert any(name.startswith("sandbox.") for name in ran.finding_ids)
    assert ran.record["statuses"]["restore"] == "inconclusive"
    assert all(finding["hint"] for finding in ran.record["findings"])


@pytest.mark.parametrize("provider", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_out_of_memory_is_the_sandbox_s_trouble(
    provider: str,
    small_dump: Path,
    tmp_path: Path,
    run_drill: Callable[..., Ran],
    request: pytest.FixtureRequest,
) -> None:
    if provider == "docker":
        request.getfixturevalue("docker_engine")
    drill = tmp_path / "hungry.yaml"
    drill.write_text(HUNGRY.format(dump=small_dump, provider=provider))
    ran = run_drill(drill)
    if {"name": "memory limit", "held": False} in [
        {"name": one["name"], "held": one["held"]} for one in ran.record["sandbox"]["isolation"]
    ]:
        pytest.skip("NOT TESTED: memory cannot be limited here")
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    assert "sandbox.oom" in ran.finding_ids
    assert ran.record["statuses"]["restore"] == "passed"
    assert ran.record["statuses"]["validate"] == "inconclusive"
    assert ran.record["rto"]["actual_seconds"] is None


def test_no_room_for_evidence_refuses_to_start(
    drill_file: Callable[[str], Path], tiny_disk: Path
) -> None:
    (tiny_disk / "filler").write_bytes(b"x" * (10 << 20))
    done = drillctl("run", str(drill_file("process")), "--out", str(tiny_disk / "runs"))
    assert done.returncode == 3, done.stderr
    assert "free" in done.stderr
    assert sweep() == ()


def test_a_disk_that_fills_during_the_drill_stops_it_and_tears_down(
    drill_file: Callable[[str], Path], tiny_disk: Path
) -> None:
    out = tiny_disk / "runs"
    process = start_drill(drill_file("process"), out)
    await_moment(out, "backup_chosen", process)
    with contextlib.suppress(OSError), (tiny_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 3, stderr
    assert "Traceback" not in stderr
    assert sweep() == (), "teardown goes on without a journal"
    (run,) = list_runs(out)
    assert read_journal(run.journal).intact
    assert run.read().verdict != "passed"


def test_a_run_folder_that_cannot_be_written_is_said(
    drill_file: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = drillctl("run", str(drill_file("process")), "--out", str(tmp_path / "file" / "runs"))
    assert done.returncode == 3, done.stderr
    assert "--out" in done.stderr
    assert "Traceback" not in done.stderr
