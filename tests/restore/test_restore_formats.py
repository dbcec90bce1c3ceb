"""Every format comes back whole from a real server into a real sandbox, and says what it did."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Sandbox
from tests.restore import dumping
from tests.restore.dumping import FORMATS, ROWS, WRAPPED, Dumps, ask, attempt

clean_target, dumps, target = dumping.clean_target, dumping.dumps, dumping.target

pytestmark = pytest.mark.postgres

OTHERS = ("custom-Z0", "plain-C", "plain-clean", "plain-inserts", "cluster")


@pytest.mark.parametrize("name", [*FORMATS, *WRAPPED, *OTHERS])
def test_it_comes_back_whole(name: str, dumps: Dumps, clean_target: Sandbox) -> None:
    outcome = attempt(dumps.path(name), clean_target)
    assert outcome.causes == set()
    assert outcome.verdict == Verdict.PASSED
    assert outcome.restored is not None
    database = outcome.restored.database
    rows = {table: ask(clean_target, database, f"select count(*) from {table}") for table in ROWS}
    assert rows == ROWS
    assert ask(clean_target, database, "select count(*) from pg_largeobject_metadata") == 2
    assert {"accounts", "transfers"} <= {
        table for kind, _, table in outcome.restored.expected_structure if kind == "TABLE"
    }
    if name != "directory":
        content = dumps.path(name).read_bytes()
        assert outcome.restored.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["custom", "plain", "cluster"])
def test_owners_and_grants_survive_without_a_login(
    name: str, dumps: Dumps, clean_target: Sandbox
) -> None:
    outcome = attempt(dumps.path(name), clean_target)
    assert outcome.restored is not None
    database = outcome.restored.database
    assert ask(clean_target, database, "select tableowner from pg_tables where tablename = 'accounts'") == "app"  # fmt: skip # noqa: E501
    reads = "select has_table_privilege('Odd Reader', 'accounts', 'select')"
    assert ask(clean_target, database, reads)
    assert not ask(clean_target, database, "select rolcanlogin from pg_roles where rolname = 'app'")
    told = any("stand-ins" in line for line in outcome.not_tested)
    assert told == (name != "cluster")
    assert ("restore.role_missing" in outcome.notes) == (name != "cluster")


@pytest.mark.parametrize("name", ["custom", "plain"])
def test_globals_beside_the_dump_are_used_without_their_passwords(
    name: str, dumps: Dumps, clean_target: Sandbox
) -> None:
    place = dumps.copy(name, f"with-globals/{name}")
    globals_ = dumps.path("roles.sql").read_text()
    secret = "LOGIN PASSWORD 'md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
    marked = "".join(
        line.replace("NOCREATEDB", "CREATEDB").replace("NOLOGIN", secret)
        if line.startswith("ALTER ROLE app ")
        else line
        for line in globals_.splitlines(keepends=True)
    )
    (place.parent / "globals.sql").write_text(marked)
    outcome = attempt(place, clean_target)
    assert outcome.causes == set()
    assert "restore.role_missing" not in outcome.notes
    assert ask(clean_target, "postgres", "select rolcreatedb from pg_roles where rolname = 'app'")
    passwords = "select count(rolpassword) from pg_authid where rolname in ('app', 'Odd Reader')"
    assert ask(clean_target, "postgres", passwords) == 0
    shutil.rmtree(place.parent)


def test_nothing_restored_acts_by_itself(dumps: Dumps, clean_target: Sandbox) -> None:
    outcome = attempt(dumps.path("custom"), clean_target)
    assert outcome.restored is not None
    enabled = "select count(*) from pg_event_trigger where evtenabled <> 'D'"
    assert ask(clean_target, outcome.restored.database, enabled) == 0
    assert ask(clean_target, outcome.restored.database, "select count(*) from pg_publication") == 0
    told = " ".join(outcome.not_tested)
    assert "event triggers" in told
    assert "publications" in told


def test_settings_of_the_database_itself_survive(dumps: Dumps, clean_target: Sandbox) -> None:
    outcome = attempt(dumps.path("custom"), clean_target)
    assert outcome.restored is not None
    settings = "select setconfig[1] from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where datname = 'source'"  # fmt: skip # noqa: E501
    assert "public" in str(ask(clean_target, "postgres", settings))


def test_a_dump_with_checksums_beside_it_has_less_to_be_said(
    dumps: Dumps, clean_target: Sandbox
) -> None:
    place = dumps.copy("plain", "summed/plain")
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    place.with_name("plain.sha256").write_text(f"{digest}  plain\n")
    outcome = attempt(place, clean_target)
    assert outcome.verdict == Verdict.PASSED
    assert not any("checksum" in line for line in outcome.not_tested)
    shutil.rmtree(place.parent)


def test_nothing_is_written_beside_the_backup(dumps: Dumps, clean_target: Sandbox) -> None:
    before = listing(dumps.folder)
    attempt(dumps.path("directory"), clean_target)
    assert listing(dumps.folder) == before


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}
