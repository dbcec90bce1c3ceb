"""The same checks on the newest major, with what only it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drillctl.evidence.journal import Journal
from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Endpoint, Order
from drillctl.sandbox.providers.process import ProcessProvider
from drillctl.sandbox.settings import loading
from drillctl.validate.database import RestoredDatabase
from tests.contracts.test_check_contract import CASES
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

_ONLY_HERE = """
create table p (id int4range, during daterange, primary key (id, during without overlaps));
create table c (p int4range, during daterange,
                foreign key (p, period during) references p (id, period during));
create table q (id int primary key);
create table r (q int references q not enforced, v int generated always as (q * 2) virtual);
insert into r (q) values (7);
"""


@pytest.fixture
def endpoint(order: Order, journal: Journal) -> Iterator[Endpoint]:
    wanted = replace(order, major=18, newer_ok=False)
    provider = ProcessProvider()
    if not provider.look(wanted).ok:
        pytest.skip("NOT TESTED: no PostgreSQL 18 on this machine")
    sandbox = provider.create(wanted, journal)
    try:
        sandbox.start(loading(wanted.memory, wanted.cpus))
        yield sandbox.endpoint
    finally:
        assert sandbox.destroy() == ()


def test_every_check_in_both_directions(endpoint: Endpoint) -> None:
    copy = new_database(endpoint, SCHEMA)
    reference = a_reference(listed(endpoint, copy))
    database = RestoredDatabase(endpoint, copy)
    for case in CASES:
        result, findings = check_one(database, case.kind, case.spec, reference=reference)
        assert (result.verdict, findings) == (Verdict.PASSED, ()), case
    for case in CASES:
        loose = "alter table entries drop constraint entries_transfer_id_fkey;"
        reset(endpoint, copy, SCHEMA + (loose if case.kind == "freshness" else "") + case.break_it)
        result, findings = check_one(database, case.kind, case.spec, reference=reference)
        assert result.verdict == Verdict.FAILED, case
        assert case.finding in {each.id for each in findings}

    reset(endpoint, copy, _ONLY_HERE)
    result, findings = check_one(database, "foreign_keys", {})
    assert result.verdict == Verdict.INCONCLUSIVE
    assert {each.id for each in findings} == {"validate.reference_not_proved", "validate.orphans"}
    result, _ = check_one(database, "structure", {}, reference=a_reference(listed(endpoint, copy)))
    assert result.verdict == Verdict.PASSED

    run_script(
        endpoint,
        copy,
        "create function greet() returns event_trigger language plpgsql as "
        "$$begin perform pg_sleep(60); end$$;"
        "create event trigger greet on login execute function greet()",
    )
    result, _ = check_one(database, "row_counts", {"tables": {"r": 1}})
    assert result.verdict == Verdict.PASSED
    assert result.seconds < 10
