"""Seeded faults of structure, against the archive's contents and against a description."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drillctl.evidence.facts import CheckResult, Finding
from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Endpoint, Sandbox
from drillctl.validate.contract import Reference
from drillctl.validate.database import RestoredDatabase
from drillctl.validate.describe import KINDS, describe_structure
from tests.validate.restored import (
    SCHEMA,
    a_reference,
    check_one,
    listed,
    new_database,
    reset,
    run_script,
)

pytestmark = pytest.mark.postgres

_MORE = """
create schema app;
create type mood as enum ('calm', 'cross');
create domain positive as int check (value > 0);
create type pair as (a int, b text);
create type span as range (subtype = int4);
create table app.notes (id int primary key, mood mood default 'calm', n positive, body text);
create index notes_body on app.notes (lower(body)) where id > 3;
create unique index on app.notes (n);
create statistics app.stat on id, n from app.notes;
create function app.twice(int) returns int language sql as 'select 2 * $1';
create aggregate app.total(int) (sfunc = int4pl, stype = int4);
create procedure app.act(mood) language sql as '';
create rule quiet as on delete to app.notes do instead nothing;
alter table app.notes enable row level security;
create policy mine on app.notes for select using (id < 10);
create materialized view app.seen as select count(*) as n from app.notes;
create sequence app.odd increment 5;
create function app.on_ddl() returns event_trigger language plpgsql as 'begin end';
"""

# SQL that breaks the copy, the object that must be named, and whether the archive shows it too.
MISSING = [
    ("drop view richest", "VIEW public.richest"),
    ("drop materialized view app.seen", "MATERIALIZED VIEW app.seen"),
    ("drop index app.notes_body", "INDEX app.notes_body"),
    ("alter table transfers drop constraint transfers_payer_fkey",
     "FK CONSTRAINT public.\"transfers transfers_payer_fkey\""),
    ("alter table accounts drop constraint accounts_holder_key",
     "CONSTRAINT public.\"accounts accounts_holder_key\""),
    ("alter table entries detach partition entries_now", "TABLE ATTACH public.entries_now"),
    ("drop trigger overdrawn on accounts", "TRIGGER public.\"accounts overdrawn\""),
    ("drop function app.twice(int)", "FUNCTION app.\"twice(integer)\""),
    ("drop aggregate app.total(int)", "AGGREGATE app.\"total(integer)\""),
    ("drop procedure app.act(mood)", "PROCEDURE app.\"act(public.mood)\""),
    ("drop policy mine on app.notes", "POLICY app.\"notes mine\""),
    ("alter table app.notes disable row level security", "ROW SECURITY app.notes"),
    ("drop rule quiet on app.notes", "RULE app.\"notes quiet\""),
    ("drop statistics app.stat", "STATISTICS app.stat"),
    ("drop sequence app.odd", "SEQUENCE app.odd"),
    ("drop type pair", "TYPE public.pair"),
    ("drop schema app cascade", "SCHEMA app"),
    ("alter table transfers alter id drop default", "DEFAULT public.\"transfers id\""),
    ("alter sequence transfers_id_seq owned by none",
     "SEQUENCE OWNED BY public.transfers_id_seq"),
]  # fmt: skip
CHANGED = [
    ("alter table transfers alter memo type varchar(50)", "character varying(50)"),
    ("alter table accounts alter holder drop not null", "column holder text"),
    ("alter table app.notes drop column body", "notes"),
    ("alter table app.notes alter mood set default 'cross'", "cross"),
    ("create or replace view richest as select min(balance) as most from accounts", "min"),
    ("create or replace function app.twice(int) returns int language sql as 'select 3'", "sha256"),
    ("alter type mood add value 'late'", "late"),
    ("alter sequence app.odd increment 7", "step 7"),
    ("alter domain positive set not null", "not null"),
    ("alter policy mine on app.notes using (true)", "true"),
    ("alter table transfers set unlogged; ", "unlogged"),
    ("drop index transfers_created_at; create index transfers_created_at on transfers (memo)",
     "(memo)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def endpoint(module_sandbox: Sandbox) -> Endpoint:
    return module_sandbox.endpoint


@pytest.fixture(scope="module")
def scratch(endpoint: Endpoint) -> str:
    """A database to break; each test makes it anew."""
    return new_database(endpoint, "")


@pytest.fixture(scope="module")
def clean(endpoint: Endpoint) -> str:
    return new_database(endpoint, SCHEMA + _MORE)


@pytest.fixture(scope="module")
def reference(
    endpoint: Endpoint, clean: str, tmp_path_factory: pytest.TempPathFactory
) -> Reference:
    """Of the clean copy: its listing, and its description in `clean.json`."""
    folder = tmp_path_factory.mktemp("drill")
    described = describe_structure(RestoredDatabase(endpoint, clean))
    (folder / "clean.json").write_text(json.dumps(described))
    return a_reference(listed(endpoint, clean), folder=folder)


def _broken(endpoint: Endpoint, scratch: str, seed: str) -> str:
    reset(endpoint, scratch, SCHEMA + _MORE + ";" + seed)
    return scratch


def _look(
    endpoint: Endpoint, dbname: str, reference: Reference, against: str
) -> tuple[CheckResult, tuple[Finding, ...]]:
    return check_one(
        RestoredDatabase(endpoint, dbname), "structure", {"reference": against}, reference=reference
    )


@pytest.mark.parametrize("against", ["archive", "clean.json"])
def test_clean_copy_passes(
    endpoint: Endpoint, clean: str, reference: Reference, against: str
) -> None:
    result, findings = _look(endpoint, clean, reference, against)
    assert (result.verdict, findings) == (Verdict.PASSED, ())


@pytest.mark.parametrize(("seed", "named"), MISSING, ids=[named for _, named in MISSING])
def test_missing_object_is_named(
    endpoint: Endpoint, scratch: str, reference: Reference, seed: str, named: str
) -> None:
    broken = _broken(endpoint, scratch, seed)
    for against in ("archive", "clean.json"):
        result, findings = _look(endpoint, broken, reference, against)
        assert result.verdict == Verdict.FAILED
        assert any(
            each.id == "validate.object_missing" and f"{named} is not in" in each.title
            for each in findings
        ), findings


@pytest.mark.parametrize(("seed", "shows"), CHANGED, ids=[seed[:40] for seed, _ in CHANGED])
def test_changed_object_is_named(
    endpoint: Endpoint, scratch: str, reference: Reference, seed: str, shows: str
) -> None:
    """The archive's contents have names alone, so only a description shows these."""
    seed = seed.replace("alter table transfers set", "alter table entries drop constraint "
                        "entries_transfer_id_fkey; alter table transfers set")  # fmt: skip
    broken = _broken(endpoint, scratch, seed)
    result, findings = _look(endpoint, broken, reference, "clean.json")
    assert result.verdict == Verdict.FAILED
    changed = [each for each in findings if each.id == "validate.object_changed"]
    assert any(shows in each.title + each.observed + each.expected for each in changed), findings


_INVALID = (
    "set allow_system_table_mods = on; update pg_index set indisvalid = false "
    "where indexrelid = 'transfers_created_at'::regclass"
)


@pytest.mark.parametrize(
    ("seed", "cause", "by_archive"),
    [
        (_INVALID, "index_invalid", Verdict.FAILED),
        (
            "alter table transfers disable trigger all",
            "constraint_disabled",
            Verdict.FAILED,
        ),
        (
            "alter table accounts disable trigger overdrawn",
            "trigger_disabled",
            Verdict.INCONCLUSIVE,
        ),
        (
            "alter table accounts drop constraint accounts_balance_check, "
            "add constraint accounts_balance_check check (balance >= 0) not valid",
            "constraint_not_validated",
            Verdict.PASSED,
        ),
    ],
)
def test_what_is_there_and_does_not_work(
    endpoint: Endpoint,
    scratch: str,
    reference: Reference,
    seed: str,
    cause: str,
    by_archive: Verdict,
) -> None:
    broken = _broken(endpoint, scratch, seed)
    for against, verdict in (("archive", by_archive), ("clean.json", Verdict.FAILED)):
        result, findings = _look(endpoint, broken, reference, against)
        assert f"validate.{cause}" in {each.id for each in findings}
        assert result.verdict == verdict


def test_what_slept_in_the_source_too_is_no_fault(endpoint: Endpoint, scratch: str, tmp_path: Path) -> None:  # fmt: skip # noqa: E501
    seed = "alter table accounts disable trigger overdrawn; " + _INVALID
    source = _broken(endpoint, scratch, seed)
    described = describe_structure(RestoredDatabase(endpoint, source))
    (tmp_path / "source.json").write_text(json.dumps(described))
    result, findings = _look(endpoint, source, a_reference(folder=tmp_path), "source.json")
    assert (result.verdict, findings) == (Verdict.PASSED, ())


def test_what_is_new_is_a_note(endpoint: Endpoint, scratch: str, reference: Reference) -> None:
    more = _broken(endpoint, scratch, "create table later ()")
    result, findings = _look(endpoint, more, reference, "clean.json")
    assert result.verdict == Verdict.PASSED
    assert [each.id for each in findings] == ["validate.object_unexpected"]
    assert "TABLE public.later" in findings[0].observed


def test_many_differences_are_counted(
    endpoint: Endpoint, scratch: str, reference: Reference
) -> None:
    reset(endpoint, scratch, "")
    result, findings = _look(endpoint, scratch, reference, "archive")
    assert result.verdict == Verdict.FAILED
    assert len(findings) == 21
    assert findings[-1].id == "validate.more_differences"


@pytest.mark.parametrize(
    "text",
    [None, "", "{}", "[]", '{"schema": "other/v1"}', '{"schema": "drillctl/structure/v1"}', "\xff"],
)
def test_reference_that_cannot_be_used(
    endpoint: Endpoint, clean: str, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "x.json").write_text(text, encoding="latin-1")
    result, findings = _look(endpoint, clean, a_reference(folder=tmp_path), "x.json")
    assert result.verdict == Verdict.INCONCLUSIVE
    assert [each.id for each in findings] == ["validate.check_broken"]


def test_an_older_majors_words_prove_nothing(
    endpoint: Endpoint, clean: str, scratch: str, reference: Reference, tmp_path: Path
) -> None:
    described = json.loads((reference.folder / "clean.json").read_text())
    described["server_major"] = 9
    (tmp_path / "old.json").write_text(json.dumps(described))
    changed = _broken(endpoint, scratch, CHANGED[0][0])
    result, _ = _look(endpoint, changed, a_reference(folder=tmp_path), "old.json")
    assert result.verdict == Verdict.INCONCLUSIVE
    result, _ = _look(endpoint, clean, a_reference(folder=tmp_path), "old.json")
    assert result.verdict == Verdict.PASSED


def test_every_kind_is_described(endpoint: Endpoint, scratch: str) -> None:
    """No kind that we claim to compare is one that the description never finds."""
    trigger = "create event trigger et on ddl_command_end execute function app.on_ddl()"
    found = {kind for kind, _, _ in listed(endpoint, _broken(endpoint, scratch, trigger))}
    run_script(endpoint, scratch, "drop event trigger et")
    assert KINDS - found == {"FOREIGN TABLE"}
    assert found <= KINDS
