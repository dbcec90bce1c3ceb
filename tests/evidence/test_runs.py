"""Runs on disk: whole files or none, and a dead drill is listed as interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner, is_alive, owner_of, this_process
from drillctl.evidence.runs import RunFolder, list_runs, new_run, write_atomically
from tests.debrief.examples import passed

AT = datetime(2026, 11, 24, 5, tzinfo=UTC)


def test_a_new_run_is_its_owners_alone_and_named_by_time(tmp_path: Path) -> None:
    out = tmp_path / "a" / "runs"
    one, other = new_run(out, "ledger", AT), new_run(out, "ledger", AT)
    assert one.run_id.startswith("20261124T050000Z-ledger-")
    assert one.run_id != other.run_id
    assert one.path.stat().st_mode & 0o777 == 0o700


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "record.json", "old")
    write_atomically(path, "new é")
    assert path.read_text("utf-8") == "new é"
    assert [each.name for each in tmp_path.iterdir()] == ["record.json"]


def test_an_error_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_atomically(tmp_path / "record.json", "old")

    def refuse(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["record.json"]


def open_run(out: Path, owner: Owner) -> RunFolder:
    """A run whose journal says who owns it, and then nothing."""
    run = new_run(out, "ledger", AT)
    with_owner = passed_opening(out) | {"run_id": run.run_id, "owner": owner.as_dict()}
    journal = Journal(run.journal)
    journal.append("run_opened", **with_owner)
    journal.mark("declared")
    journal.close()
    return run


def passed_opening(out: Path) -> dict[str, object]:
    from drillctl.evidence.journal import read_journal

    folder = out.parent / "opening"
    if not folder.exists():
        folder.mkdir()
        passed(folder)
    return read_journal(folder / "journal.jsonl").entries[0].data


def test_a_run_of_a_living_process_is_running_and_of_a_dead_one_interrupted(
    tmp_path: Path,
) -> None:
    out = tmp_path / "runs"
    sleeper = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    try:
        run = open_run(out, owner_of(sleeper.pid))
        assert run.read().outcome == "running"
    finally:
        sleeper.communicate(timeout=30)
    assert run.read().outcome == "interrupted"
    assert run.read().verdict == "inconclusive"


def test_runs_are_listed_oldest_first_interrupted_ones_among_them(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    assert list_runs(out) == ()
    mine = open_run(out, this_process())
    dead = open_run(out, replace(this_process(), started="1"))
    (out / "notes").mkdir()
    (out / "a file").touch()
    listed = list_runs(out)
    assert [run.run_id for run in listed] == sorted([mine.run_id, dead.run_id])
    outcomes = {run.run_id: run.read().outcome for run in listed}
    assert outcomes == {mine.run_id: "running", dead.run_id: "interrupted"}


def test_an_owner_is_known_by_more_than_a_pid() -> None:
    me = this_process()
    assert is_alive(me) is True
    assert is_alive(replace(me, started="1")) is False
    assert is_alive(replace(me, boot="another boot")) is False
    assert is_alive(replace(me, host="elsewhere")) is None
    assert Owner.from_dict(me.as_dict()) == me


def test_a_zombie_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    owner = owner_of(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(owner) is False
    child.wait()
    assert is_alive(owner) is False


@pytest.mark.parametrize("data", [{}, {"owner": 7}, {"owner": {"host": "x"}}])
def test_an_opening_of_unknown_shape_is_a_value_error(
    data: dict[str, object], tmp_path: Path
) -> None:
    run = new_run(tmp_path, "ledger", AT)
    journal = Journal(run.journal)
    journal.append("run_opened", **data)
    journal.close()
    with pytest.raises(ValueError, match="unknown shape"):
        run.read()
