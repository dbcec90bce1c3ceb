"""A journal cut at a line's end is a valid chain; the record remembers that there was more."""

from __future__ import annotations

from pathlib import Path

from drillctl.evidence.runs import RECORD, RunFolder
from drillctl.orchestration.publish import publish
from tests.debrief.examples import EXAMPLES


def _recorded(folder: Path) -> RunFolder:
    EXAMPLES["passed"](folder)
    run = RunFolder(path=folder)
    run.write(RECORD, run.read().to_json())
    return run


def test_a_whole_journal_is_intact(tmp_path: Path) -> None:
    record = _recorded(tmp_path).read()
    assert record.journal.intact
    assert record.verdict == "passed"


def test_a_cut_one_is_not_and_debriefing_it_does_not_hide_that(tmp_path: Path) -> None:
    run = _recorded(tmp_path)
    remembered = (tmp_path / RECORD).read_text()
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(lines[:-1]))
    for _ in range(2):
        record = run.read()
        assert not record.journal.intact
        assert record.verdict != "passed"
        publish(run, lambda line: None)
        assert (tmp_path / RECORD).read_text() == remembered
