"""The journal: what is written is read back, and what was altered is named."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from drillctl.evidence.journal import GENESIS, Journal, read_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def written(path: Path, count: int = 20) -> list[bytes]:
    journal = Journal(path)
    for number in range(count):
        journal.append("note", number=number)
    journal.close()
    return path.read_bytes().splitlines(keepends=True)


def test_a_clean_journal_is_intact_and_chained(path: Path) -> None:
    written(path)
    reading = read_journal(path)
    assert reading.intact
    assert [entry.seq for entry in reading.entries] == list(range(1, 21))
    assert reading.entries[0].prev == GENESIS
    for before, after in zip(reading.entries, reading.entries[1:], strict=False):
        assert after.prev == before.hash
        assert after.elapsed >= before.elapsed
    assert reading.head == reading.entries[-1].hash


@pytest.mark.parametrize("number", [1, 2, 17, 19, 20])
def test_an_altered_entry_is_named(path: Path, number: int) -> None:
    lines = written(path)
    lines[number - 1] = lines[number - 1].replace(b'"number": ', b'"number": 9')
    path.write_bytes(b"".join(lines))
    reading = read_journal(path)
    assert reading.reason == f"entry {number} altered; chain broken after {number - 1}"
    assert reading.broken_after == number - 1
    assert len(reading.entries) == number - 1


def test_any_flipped_bit_is_seen(path: Path) -> None:
    clean = b"".join(written(path))
    numbers = random.Random(20261124)
    for _ in range(300):
        # The last byte is the newline: flipping it is a torn line, told in another test.
        at, bit = numbers.randrange(len(clean) - 1), 1 << numbers.randrange(8)
        damaged = bytearray(clean)
        damaged[at] ^= bit
        path.write_bytes(damaged)
        reading = read_journal(path)
        assert not reading.intact, (at, bit)
        assert reading.broken_after == clean[:at].count(b"\n"), (at, bit)


@pytest.mark.parametrize("hole", [1, 10, 16])
def test_a_deleted_entry_is_named(path: Path, hole: int) -> None:
    lines = written(path)
    del lines[hole - 1]
    path.write_bytes(b"".join(lines))
    assert read_journal(path).reason == f"entry {hole} altered; chain broken after {hole - 1}"


def test_reordered_entries_are_named(path: Path) -> None:
    lines = written(path)
    lines[4], lines[5] = lines[5], lines[4]
    path.write_bytes(b"".join(lines))
    assert read_journal(path).reason == "entry 5 altered; chain broken after 4"


def test_a_repeated_entry_is_named(path: Path) -> None:
    lines = written(path)
    path.write_bytes(b"".join([*lines[:7], lines[6], *lines[7:]]))
    assert read_journal(path).reason == "entry 8 altered; chain broken after 7"


def test_an_entry_of_another_journal_is_named(path: Path, tmp_path: Path) -> None:
    lines = written(path)
    other = written(tmp_path / "other.jsonl")
    path.write_bytes(b"".join([*lines[:5], other[5], *lines[6:]]))
    reading = read_journal(path)
    assert not reading.intact
    assert reading.broken_after == 5


@pytest.mark.parametrize(
    "line",
    [b"\n", b"null\n", b"[1]\n", b"17\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"],
    ids=["empty", "null", "list", "number", "object", "bytes", "deep"],
)
def test_a_foreign_line_is_named_not_a_traceback(path: Path, line: bytes) -> None:
    lines = written(path, 3)
    path.write_bytes(b"".join([*lines, line, *lines]))
    assert read_journal(path).reason == "entry 4 altered; chain broken after 3"


def test_a_forged_entry_without_its_fields_is_named(path: Path) -> None:
    from drillctl.evidence.journal import _digest

    body: dict[str, Any] = {"seq": 1, "prev": GENESIS, "kind": "note"}
    path.write_text(json.dumps(body | {"hash": _digest(body)}) + "\n")
    assert read_journal(path).reason == "entry 1 altered; chain broken after 0"


def test_a_torn_last_line_is_left_out(path: Path) -> None:
    lines = written(path)
    whole = b"".join(lines)
    for cut in range(len(whole) - len(lines[-1]), len(whole)):
        path.write_bytes(whole[:cut])
        reading = read_journal(path)
        assert reading.intact, cut
        assert len(reading.entries) == 19, cut


def test_an_empty_file_says_nothing(path: Path) -> None:
    path.touch()
    reading = read_journal(path)
    assert reading.entries == ()
    assert reading.head == GENESIS


@pytest.mark.parametrize(
    "value",
    [
        "\x00 \x1b[31m \u202e \u2028 é 数",
        "lone surrogate \udcff",
        {"10": 1, "9": 2},
        {10: 1, 9: 2},
        [Decimal("1.10"), datetime(2026, 11, 24, tzinfo=UTC), Path("/tmp/x")],
        {"kind": "query", "name": "a", "seq": 9, "hash": "x", "prev": "y", "at": "z"},
        1e300,
        2**80,
        None,
        "x" * 1_000_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_survives_the_journal(path: Path, value: object) -> None:
    journal = Journal(path)
    told = journal.append("note", value=value, kind="a field of its own", self="too")
    journal.close()
    reading = read_journal(path)
    assert reading.intact
    assert reading.entries == (told,)
    assert reading.entries[0].data["kind"] == "a field of its own"


def test_threads_take_turns(path: Path) -> None:
    journal = Journal(path)
    seen: list[int] = []
    journal.listen(lambda entry: seen.append(entry.seq))

    def tell() -> None:
        for number in range(25):
            journal.append("note", number=number)

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    reading = read_journal(path)
    assert reading.intact
    assert len(reading.entries) == 100
    assert sorted(seen) == list(range(1, 101))


def test_a_journal_is_never_opened_twice(path: Path) -> None:
    written(path, 1)
    with pytest.raises(FileExistsError):
        Journal(path)


def test_it_is_its_owners_alone(path: Path) -> None:
    written(path, 1)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_listener_hears_an_entry_after_it_is_on_disk(path: Path) -> None:
    journal = Journal(path)
    heads: list[bool] = []
    journal.listen(lambda entry: heads.append(read_journal(path).head == entry.hash))
    journal.mark("declared")
    journal.mark("restored")
    journal.close()
    assert heads == [True, True]


def test_a_side_effect_is_told_before_and_after(path: Path) -> None:
    journal = Journal(path)
    with journal.making("container", "drillctl-1-restore", image="postgres:17"):
        assert read_journal(path).entries[-1].kind == "effect_intended"
    journal.unmade("container", "drillctl-1-restore")
    with pytest.raises(RuntimeError), journal.making("container", "drillctl-1-other"):
        raise RuntimeError
    journal.close()
    kinds = [entry.kind for entry in read_journal(path).entries]
    assert kinds == ["effect_intended", "effect_done", "effect_undone", "effect_intended"]


CRASH = """
import sys
from pathlib import Path
from drillctl.evidence.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(10):
    journal.append("note", number=number)
"""


@pytest.mark.parametrize("at", [1, 7, 10])
def test_the_crash_hook_kills_right_after_its_line(path: Path, at: int) -> None:
    environment = os.environ | {"DRILLCTL_CRASH_AT": str(at)}
    ran = subprocess.run(
        [sys.executable, "-c", CRASH, path], check=False, env=environment, timeout=60
    )
    assert ran.returncode == -signal.SIGKILL
    reading = read_journal(path)
    assert reading.intact
    assert len(reading.entries) == at
    assert path.read_bytes().endswith(b"\n")


FULL = """
import resource, signal, sys
from pathlib import Path
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
journal = Journal(Path(sys.argv[1]))
try:
    for number in range(1000):
        journal.append("note", number=number, text="x" * 90)
except SandboxError as error:
    print(error.finding)
    journal.append("teardown", destroyed=True)
    try:
        with journal.making("container", "after the end"):
            print("made without a journal")
    except SandboxError as again:
        print(again.finding)
"""


@pytest.mark.parametrize("limit", [8192, 8193, 8400, 10_000])
def test_a_full_disk_leaves_whole_lines_only(path: Path, limit: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL, path, str(limit)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["sandbox.evidence_lost"] * 2
    reading = read_journal(path)
    assert reading.intact
    assert len(reading.entries) >= 8192 // 500
    assert path.read_bytes().endswith(b"\n")
    assert path.stat().st_size <= limit
