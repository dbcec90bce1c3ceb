"""Seeded damage of dumps in every format: never clean, and the finding names the cause.

A sample by default, with its seed printed on failure; DRILLCTL_CORPUS=full tries far more.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Sandbox
from tests.restore import dumping
from tests.restore.dumping import Dumps, Outcome, emptied

clean_target, dumps, target = dumping.clean_target, dumping.dumps, dumping.target


def attempt(path: Path, target: Sandbox, **options: object) -> Outcome:
    """One restore into a server that holds nothing of the one before."""
    outcome = dumping.attempt(path, target, **options)
    emptied(target)
    return outcome


pytestmark = [pytest.mark.postgres]

FULL = os.environ.get("DRILLCTL_CORPUS") == "full"
SEED = int(os.environ.get("DRILLCTL_SEED", random.SystemRandom().randrange(1 << 30)))
TRIES = 60 if FULL else 2

CHECKED = ("custom", "custom.gz", "plain.gz", "plain.zst", "plain.xz", "plain.lz4")
UNCHECKED = ("custom-Z0", "tar", "plain", "plain-C", "cluster")
CUT = {"restore.archive_truncated"}
# A wrong length in a custom archive may keep pg_restore waiting for ever.
DAMAGED = {"restore.archive_corrupt", "restore.archive_truncated", "restore.timed_out"}
NO_CHECKSUM = "carry no checksum", "carries no checksum"


def offsets(name: str, size: int) -> list[int]:
    """The first and last bytes, and some between, by the seed."""
    chance = random.Random(f"{SEED} {name}")
    return [size - 1, *(chance.randrange(1, size) for _ in range(TRIES))]


@pytest.fixture
def copies(dumps: Dumps) -> Iterator[Path]:
    folder = dumps.folder / "copies"
    folder.mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", [*CHECKED, *UNCHECKED])
def test_a_cut_at_any_byte_is_named(
    name: str, dumps: Dumps, copies: Path, clean_target: Sandbox
) -> None:
    whole, path = dumps.path(name).read_bytes(), copies / "x"
    for length in offsets(name, len(whole)):
        path.write_bytes(whole[:length])
        outcome = attempt(path, clean_target)
        assert outcome.verdict == Verdict.FAILED, (SEED, length)
        assert outcome.causes == CUT, (SEED, length, outcome.causes)


@pytest.mark.parametrize("name", CHECKED)
def test_a_flipped_bit_under_a_checksum_is_named(
    name: str, dumps: Dumps, copies: Path, clean_target: Sandbox
) -> None:
    """Of a custom archive, in the rows: its table of contents has no checksum."""
    whole, path = dumps.path(name).read_bytes(), copies / "x"
    rows_at = len(dumps.path("schema-only").read_bytes()) + 4000 if name == "custom" else 0
    for at in offsets(f"{name} flip", len(whole) - rows_at):
        path.write_bytes(flipped(whole, rows_at + at))
        outcome = attempt(path, clean_target)
        assert outcome.verdict != Verdict.PASSED, (SEED, at)
        assert outcome.causes & DAMAGED, (SEED, at, outcome.causes)


@pytest.mark.parametrize("name", UNCHECKED)
def test_a_flipped_bit_without_a_checksum_is_seen_or_said_to_be_unseen(
    name: str, dumps: Dumps, copies: Path, clean_target: Sandbox
) -> None:
    whole, path = dumps.path(name).read_bytes(), copies / "x"
    for at in offsets(f"{name} flip", len(whole)):
        path.write_bytes(flipped(whole, at))
        outcome = attempt(path, clean_target)
        if outcome.verdict == Verdict.PASSED:
            assert unseen(outcome), (SEED, at)


@pytest.mark.parametrize("name", ["custom-Z0", "plain", "tar"])
def test_a_checksum_file_sees_what_the_format_cannot(
    name: str, dumps: Dumps, copies: Path, clean_target: Sandbox
) -> None:
    whole = dumps.path(name).read_bytes()
    at = whole.rindex(b"name 2")
    path = copies / name
    path.write_bytes(whole[: at + 5] + b"3" + whole[at + 6 :])
    silent = attempt(path, clean_target)
    assert unseen(silent)
    path.with_name(f"{name}.sha256").write_text(f"{sha256(whole)}  {name}\n")
    assert attempt(path, clean_target).causes == silent.causes | {"restore.checksum_mismatch"}


@pytest.mark.parametrize("how", ["missing", "empty", "cut", "flipped"])
def test_a_damaged_file_of_a_directory_dump_is_named(
    how: str, dumps: Dumps, copies: Path, clean_target: Sandbox
) -> None:
    expected = {
        "missing": {"restore.archive_file_missing"},
        "empty": {"restore.archive_truncated"},
        "cut": {"restore.archive_truncated", "restore.archive_corrupt"},
        "flipped": {"restore.archive_corrupt"},
    }[how]
    place = dumps.copy("directory", "directory")
    files = sorted(place.glob("*.dat.gz"), key=lambda file: -file.stat().st_size)
    for file in files if FULL else (files[0], files[-1]):
        whole = file.read_bytes()
        file.unlink()
        if how != "missing":
            changed = {"empty": b"", "cut": whole[:-3], "flipped": flipped(whole, len(whole) // 2)}
            file.write_bytes(changed[how])
        outcome = attempt(place, clean_target)
        assert outcome.verdict == Verdict.FAILED, file.name
        assert outcome.causes & expected, (file.name, outcome.causes)
        file.write_bytes(whole)


def test_two_swapped_files_are_seen_by_checksums_or_said_to_be_unseen(
    dumps: Dumps, copies: Path, clean_target: Sandbox
) -> None:
    place = dumps.copy("directory", "directory")
    one, two = swappable(place)
    sums = "".join(f"{sha256(file.read_bytes())}  {file.name}\n" for file in place.iterdir())
    one.rename(place / "held")
    two.rename(one)
    (place / "held").rename(two)
    silent = attempt(place, clean_target)
    assert any("swapped" in line for line in silent.not_tested)
    (place / "SHA256SUMS").write_text(sums)
    assert "restore.checksum_mismatch" in attempt(place, clean_target).causes


def test_an_archive_of_a_newer_major_is_named(dumps: Dumps, clean_target: Sandbox) -> None:
    """Its needs ask for a newer server; a sandbox that has none is no bad backup."""
    if not dumps.path("newer").exists():
        pytest.skip("NOT TESTED: no newer pg_dump on this machine")
    outcome = attempt(dumps.path("newer"), clean_target)
    assert outcome.verdict == Verdict.INCONCLUSIVE
    assert outcome.causes == {"restore.newer_archive"}


def test_a_table_that_others_need_and_the_job_left_out_is_named(
    dumps: Dumps, clean_target: Sandbox
) -> None:
    outcome = attempt(dumps.path("without-table"), clean_target)
    assert outcome.causes == {"restore.statement_failed", "restore.object_missing"}
    assert "accounts" in " ".join(finding.observed for finding in outcome.findings)
    assert any("pg_dump -T" in line for line in outcome.not_tested)


def test_rows_that_the_job_left_out_are_named(dumps: Dumps, clean_target: Sandbox) -> None:
    assert attempt(dumps.path("without-rows"), clean_target).causes == {"restore.rows_left_out"}
    declared = attempt(dumps.path("without-rows"), clean_target, without_data=("public.swap_a",))
    assert declared.causes == set()
    assert attempt(dumps.path("schema-only"), clean_target).causes == {"restore.schema_only"}


@pytest.mark.parametrize("name", ["custom", "plain"])
def test_a_dump_without_its_globals_is_named(
    name: str, dumps: Dumps, clean_target: Sandbox
) -> None:
    assert "restore.role_missing" in attempt(dumps.path(name), clean_target).notes


@pytest.mark.parametrize("name", ["custom", "plain"])
def test_a_dump_without_its_globals_fails_where_that_is_wanted(
    name: str, dumps: Dumps, clean_target: Sandbox
) -> None:
    strict = attempt(dumps.path(name), clean_target, missing_roles="fail")
    assert strict.causes == {"restore.role_missing"}


def test_globals_that_lack_a_role_are_named(
    dumps: Dumps, copies: Path, clean_target: Sandbox
) -> None:
    place = dumps.copy("custom", "custom")
    text = dumps.path("roles.sql").read_text()
    lines = [line for line in text.splitlines(keepends=True) if "Odd Reader" not in line]
    (copies / "globals.sql").write_text("".join(lines))
    outcome = attempt(place, clean_target)
    assert outcome.causes == {"restore.role_missing"}
    (copies / "globals.sql").write_text(text[: len(text) // 2])
    assert attempt(place, clean_target).causes == CUT
    missing = attempt(place, clean_target, globals="nowhere.sql")
    assert missing.causes == {"restore.globals_missing"}


def test_a_dump_of_another_database_is_named(dumps: Dumps, clean_target: Sandbox) -> None:
    for name in ("custom", "plain-C", "cluster"):
        outcome = attempt(dumps.path(name), clean_target, database="ledger")
        assert outcome.causes == {"restore.wrong_database"}, name
    plain = attempt(dumps.path("plain"), clean_target, database="ledger")
    assert plain.verdict == Verdict.INCONCLUSIVE
    assert plain.causes == {"restore.database_unknown"}


def flipped(whole: bytes, at: int) -> bytes:
    bit = 1 << random.Random(f"{SEED} {at}").randrange(8)
    return whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]


def unseen(outcome: Outcome) -> bool:
    return any(words in line for line in outcome.not_tested for words in NO_CHECKSUM)


def sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def swappable(folder: Path) -> tuple[Path, Path]:
    """The files of two tables of the same shape, `swap_a` and `swap_b`."""
    from drillctl.restore.engines.pg_dump.look import read_archive
    from drillctl.restore.engines.pg_dump.sniff import sniff

    _, entries = read_archive(folder, sniff(folder))
    found = {e.name: folder / f"{e.place}.gz" for e in entries if e.kind == "TABLE DATA"}
    return found["swap_a"], found["swap_b"]
