"""A default that gives its sequence's name as text, as old applications do, depends on nothing in
the catalog; its sequence is judged all the same."""

from __future__ import annotations

import pytest

from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Sandbox
from drillctl.validate.database import RestoredDatabase
from tests.validate.restored import check_one, new_database

pytestmark = pytest.mark.postgres

SCHEMA = """
create schema "Odd app"; create sequence users_seq; create sequence "Odd app"."Seq";
create table users (id int primary key default nextval('users_seq'::text));
create table "Odd app".lines (id int default nextval('"Odd app"."Seq"'::text));
create table "Odd app".notes (id int default nextval('"Seq"'::text), gone int
    default nextval('no_such'::text));
insert into users select generate_series(1, 9); insert into "Odd app".lines values (3);
insert into "Odd app".notes values (2, 1);
"""


@pytest.mark.parametrize(
    ("users", "odd", "behind"), [(9, 3, set()), (8, 3, {"users_seq"}), (9, 2, {"Seq"})]
)
def test_it_is_told_when_it_is_behind(
    users: int, odd: int, behind: set[str], module_sandbox: Sandbox
) -> None:
    endpoint = module_sandbox.endpoint
    moved = f"select setval('users_seq', {users}), setval('\"Odd app\".\"Seq\"', {odd})"
    database = RestoredDatabase(endpoint, new_database(endpoint, f"{SCHEMA}{moved}"))
    result, findings = check_one(database, "sequences", {})
    assert result.verdict == (Verdict.FAILED if behind else Verdict.PASSED)
    assert result.expected == "3 sequences are ahead of their columns"
    assert {each.id for each in findings} == ({"validate.sequence_behind"} if behind else set())
    assert all(any(name in each.title for name in behind) for each in findings)
