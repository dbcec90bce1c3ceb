"""Which dump is meant, and what is said when there is none. No server is needed."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drillctl.errors import RecoveryFailed
from drillctl.evidence.verdict import Verdict
from drillctl.restore.contract import Backup
from drillctl.restore.engines.pg_dump.engine import PgDump
from drillctl.restore.engines.pg_dump.options import Options
from tests.restore.writing import an_archive, plain_text

NOW = datetime.now(UTC).replace(microsecond=0)


def put(path: Path, *, hours_ago: float = 1, database: str = "ledger", **more: Any) -> Path:
    """A tiny archive that says it was taken so long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = NOW - timedelta(hours=hours_ago)
    path.write_bytes(an_archive(created=taken.replace(tzinfo=None), database=database, **more))
    return path


def chosen(location: Path, select: str = "latest", **options: Any) -> Backup:
    return PgDump().choose(location, select, Options(**options))


def refused(location: Path, select: str = "latest", **options: Any) -> RecoveryFailed:
    with pytest.raises(RecoveryFailed) as caught:
        chosen(location, select, **options)
    return caught.value


def test_latest_is_by_the_time_inside_not_by_name_or_file_time(tmp_path: Path) -> None:
    put(tmp_path / "a.dump", hours_ago=1)
    put(tmp_path / "z.dump", hours_ago=5)
    assert chosen(tmp_path).facts.label == "a.dump"
    assert chosen(tmp_path).facts.consistent_at == NOW - timedelta(hours=1)
    assert chosen(tmp_path, "oldest").facts.label == "z.dump"
    assert chosen(tmp_path, "z.dump").facts.label == "z.dump"


def test_a_folder_may_hold_folders_of_dumps(tmp_path: Path) -> None:
    put(tmp_path / "monday" / "x.dump", hours_ago=30)
    put(tmp_path / "tuesday" / "x.dump", hours_ago=6)
    assert chosen(tmp_path).facts.label == "tuesday/x.dump"
    assert "no single backup" in refused(tmp_path, "x.dump").message


def test_random_with_a_seed_chooses_the_same(tmp_path: Path) -> None:
    for hour in range(1, 9):
        put(tmp_path / f"{hour}.dump", hours_ago=hour)
    labels = {chosen(tmp_path, "random", seed=4).facts.label for _ in range(5)}
    assert len(labels) == 1
    assert len({chosen(tmp_path, "random").facts.label for _ in range(40)}) > 1


def test_an_empty_folder_was_searched(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert error.finding == "restore.no_backup_found"
    assert "searched" in error.message


def test_unfinished_files_are_left_alone_and_said(tmp_path: Path) -> None:
    put(tmp_path / "a.dump", hours_ago=2)
    put(tmp_path / "b.dump.partial", hours_ago=1)
    put(tmp_path / ".c.dump", hours_ago=1)
    backup = chosen(tmp_path)
    assert backup.facts.label == "a.dump"
    (note,) = backup.findings
    assert note.id == "restore.unfinished_skipped"
    assert note.verdict == Verdict.PASSED
    assert "b.dump.partial" in note.observed


def test_a_newer_dump_that_is_broken_fails_the_drill(tmp_path: Path) -> None:
    older = put(tmp_path / "a.dump", hours_ago=24)
    os.utime(older, (NOW.timestamp() - 80000,) * 2)
    (tmp_path / "b.dump").touch()
    backup = chosen(tmp_path)
    assert [finding.id for finding in backup.findings] == ["restore.newest_backup_broken"]
    assert backup.findings[0].verdict == Verdict.FAILED


def test_notes_and_seals_beside_dumps_are_no_backups(tmp_path: Path) -> None:
    put(tmp_path / "a.dump")
    for name in ("a.dump.seal.json", "README.md", "a.dump.sha256", "backup.log"):
        (tmp_path / name).write_text("x")
    (tmp_path / "globals.sql").write_bytes(b"--\n-- PostgreSQL database cluster dump\n--\n")
    assert chosen(tmp_path).findings == ()


def test_dumps_of_several_databases_need_a_name(tmp_path: Path) -> None:
    put(tmp_path / "a.dump", database="users", hours_ago=1)
    put(tmp_path / "b.dump", database="ledger", hours_ago=2)
    assert [finding.id for finding in chosen(tmp_path).findings] == ["restore.database_ambiguous"]
    backup = chosen(tmp_path, database="ledger")
    assert backup.facts.source_database == "ledger"
    assert backup.findings == ()
    assert refused(tmp_path, database="orders").finding == "restore.wrong_database"


def test_the_dump_of_another_database_is_named(tmp_path: Path) -> None:
    error = refused(put(tmp_path / "a.dump", database="users"), database="ledger")
    assert error.finding == "restore.wrong_database"
    assert "users" in error.observed


def test_what_is_no_dump_is_named(tmp_path: Path) -> None:
    cases = {
        "empty": (b"", "restore.empty_file"),
        "noise": (b"hello\n" * 100, "restore.not_a_dump"),
        "mysql": (b"-- MySQL dump 10.13\n" * 30, "restore.not_a_dump"),
        "start": (b"PGD", "restore.archive_truncated"),
        "gz": (b"\x1f\x8b\x08", "restore.archive_truncated"),
    }
    for name, (content, finding) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert refused(path).finding == finding, name
    assert refused(tmp_path / "nowhere").finding == "restore.location_missing"
    (tmp_path / "link").symlink_to("gone")
    assert refused(tmp_path / "link").finding == "restore.dangling_link"
    os.mkfifo(tmp_path / "fifo")
    assert refused(tmp_path / "fifo").finding == "restore.not_a_dump"
    physical = tmp_path / "base"
    physical.mkdir()
    (physical / "PG_VERSION").write_text("15\n")
    assert "physical" in refused(physical).observed


def test_a_name_says_nothing_the_content_does(tmp_path: Path) -> None:
    assert chosen(put(tmp_path / "x.sql.gz")).facts.format == "custom"
    plain = tmp_path / "y.dump"
    plain.write_bytes(plain_text())
    assert chosen(plain).facts.format == "plain"
    assert chosen(plain).facts.consistent_at is None


def test_the_server_must_be_able_to_read_it(tmp_path: Path) -> None:
    assert chosen(put(tmp_path / "a")).needs.major == 15
    assert chosen(put(tmp_path / "b", version=(1, 16))).needs.major == 17
    newer = refused(put(tmp_path / "c", version=(1, 17)))
    assert newer.finding == "restore.newer_archive"
    assert chosen(put(tmp_path / "d", server="9.6.24")).needs.major == 12


def test_a_header_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    whole = an_archive(created=datetime(2026, 1, 1), database="x")
    path = tmp_path / "x"
    for at in range(len(whole)):
        path.write_bytes(whole[:at])
        assert refused(path).finding in (
            "restore.archive_truncated",
            "restore.empty_file",
        ), at
    damaged = bytearray(whole)
    damaged[60:64] = b"\xff\xff\xff\x7f"
    path.write_bytes(damaged)
    assert refused(path).finding in ("restore.archive_corrupt", "restore.archive_truncated")
