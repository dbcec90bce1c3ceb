"""`drillctl init DUMP` writes a drill that lints clean and says what it saw."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from drillctl.definition.load import load_drill
from drillctl.errors import RecoveryFailed
from drillctl.orchestration.vocabulary import vocabulary
from drillctl.restore.starter import starter_drill
from tests.restore.writing import an_archive, plain_text

TABLE = """\
--
-- Name: orders; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.orders (id integer, created_at timestamp);

"""


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["ledger.dump", "we: 'ird # \"name.dump", "-", "ÄÖ.dump"])
def test_an_archives_drill_lints_clean(name: str, tmp_path: Path) -> None:
    dump = written(tmp_path / name, an_archive(created=datetime(2026, 1, 1), database="ledger"))
    text = starter_drill(dump)
    drill = load_drill(written(tmp_path / "drill.yaml", text.encode()), vocabulary())
    assert drill.restore.location == dump
    assert drill.name == "ledger-restore"
    assert {check.kind for check in drill.checks} == {
        "structure",
        "row_counts",
        "foreign_keys",
        "sequences",
    }
    assert drill.objectives.rpo is not None
    assert "2026-01-01" in text
    assert datetime.now(UTC) > datetime(2026, 1, 1, tzinfo=UTC)


def test_a_plain_dumps_drill_promises_no_rpo_and_names_its_tables(tmp_path: Path) -> None:
    text = starter_drill(written(tmp_path / "orders.sql", plain_text(TABLE)))
    drill = load_drill(written(tmp_path / "drill.yaml", text.encode()), vocabulary())
    assert drill.objectives.rpo is None
    assert '"orders": {min: 1}' in text


def test_a_name_that_a_terminal_would_obey_stays_a_comment(tmp_path: Path) -> None:
    head = an_archive(created=datetime(2026, 1, 1), database="x\nowner: evil\x1b[2J")
    text = starter_drill(written(tmp_path / "x", head))
    assert "\x1b" not in text
    assert "\nowner: evil" not in text
    load_drill(written(tmp_path / "drill.yaml", text.encode()), vocabulary())


def test_what_is_no_dump_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecoveryFailed):
        starter_drill(written(tmp_path / "x", b"hello\n"))
