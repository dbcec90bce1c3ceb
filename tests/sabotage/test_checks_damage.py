"""Damage below SQL: a page overwritten, a file cut or gone. Never a pass, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Sandbox
from drillctl.sandbox.settings import serving
from drillctl.validate.database import RestoredDatabase
from tests.validate.restored import check_one, new_database, superuser

pytestmark = pytest.mark.postgres

_PAGE = 8192
_SCRIPT = (
    "create table t (id int, filler text);"
    "insert into t select i, repeat('x', 100) from generate_series(1, 10000) i; checkpoint"
)


def _overwrite(file: Path) -> None:
    with file.open("r+b") as data:
        data.seek(3 * _PAGE)
        data.write(b"\xde\xad" * 64)


def _cut(file: Path) -> None:
    with file.open("r+b") as data:
        data.truncate(5 * _PAGE)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (_overwrite, "validate.data_corrupted"),
        (Path.unlink, "validate.data_corrupted"),
        # Postgres takes a shorter file as a shorter table: only the count shows it.
        (_cut, "validate.row_count_differs"),
    ],
    ids=["a page overwritten", "a file gone", "a file cut"],
)
def test_damage_is_named(
    module_sandbox: Sandbox, damage: Callable[[Path], None], finding: str
) -> None:
    endpoint = module_sandbox.endpoint
    dbname = new_database(endpoint, _SCRIPT)
    spec = {"tables": {"t": 10000}}
    database = RestoredDatabase(endpoint, dbname)
    result, _ = check_one(database, "row_counts", spec)
    assert result.verdict == Verdict.PASSED
    with superuser(endpoint, dbname) as connection:
        row = connection.execute(
            "select current_setting('data_directory') || '/' || pg_relation_filepath('t')"
        ).fetchone()
    assert row is not None
    module_sandbox.stop()
    damage(Path(row[0]))
    module_sandbox.start(serving(256 << 20, 1))
    result, findings = check_one(database, "row_counts", spec)
    assert result.verdict == Verdict.FAILED
    assert [each.id for each in findings] == [finding]
    if finding == "validate.data_corrupted":
        assert "while counting public.t" in findings[0].observed
