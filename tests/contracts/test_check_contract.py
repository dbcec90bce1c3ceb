"""What every check promises: red on a seeded fault, green on a clean copy, never green blind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drillctl.evidence.verdict import Verdict
from drillctl.sandbox.contract import Endpoint, Sandbox
from drillctl.validate.catalogue import CHECKS
from drillctl.validate.contract import Reference
from drillctl.validate.database import RestoredDatabase
from tests.validate.restored import (
    MARKER,
    SCHEMA,
    a_check,
    a_reference,
    check_one,
    checked,
    listed,
    new_database,
    reset,
    superuser,
)

pytestmark = pytest.mark.postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`break_it` is SQL that seeds one fault; `finding` is the id that must name it; `waits_on`
    is a relation that the check must read."""

    kind: str
    spec: dict[str, Any]
    break_it: str
    finding: str
    waits_on: str = "accounts"

    def __str__(self) -> str:
        return f"{self.kind}: {self.finding}"


CASES = (
    Case(
        kind="query",
        spec={"sql": "select id from accounts where balance < 5", "expect": "empty"},
        break_it="update accounts set balance = 1 where id = 7",
        finding="validate.rows_found",
    ),
    Case(
        kind="query",
        spec={"sql": "select max(holder) from accounts", "expect": {"value": f"{MARKER} 99"}},
        break_it=f"update accounts set holder = 'zz {MARKER}' where id = 99",
        finding="validate.value_differs",
    ),
    Case(
        kind="row_counts",
        spec={"tables": {"accounts": 100, "entries": {"min": 400, "max": 400}}},
        break_it="delete from entries where leg = 2 and transfer_id = 9",
        finding="validate.row_count_differs",
    ),
    Case(
        kind="row_counts",
        spec={"min_total": 700},
        break_it="truncate entries",
        finding="validate.too_few_rows",
    ),
    Case(
        kind="freshness",
        spec={"table": "transfers", "column": "created_at", "max_age": "5m"},
        break_it="delete from transfers where created_at > '2026-11-24 04:50Z'",
        finding="validate.stale",
        waits_on="transfers",
    ),
    Case(
        kind="structure",
        spec={"reference": "archive"},
        break_it="drop index transfers_created_at",
        finding="validate.object_missing",
        waits_on="pg_catalog.pg_statistic_ext",
    ),
    Case(
        kind="foreign_keys",
        spec={},
        break_it="set session_replication_role = replica; delete from accounts where id = 3",
        finding="validate.orphans",
    ),
    Case(
        kind="sequences",
        spec={},
        break_it="select setval('transfers_id_seq', 50)",
        finding="validate.sequence_behind",
    ),
)
# The sabotage of these needs the references out of the way.
_LOOSE = "alter table entries drop constraint entries_transfer_id_fkey;"


@pytest.fixture(scope="module")
def endpoint(module_sandbox: Sandbox) -> Endpoint:
    return module_sandbox.endpoint


@pytest.fixture(scope="module")
def clean(endpoint: Endpoint) -> str:
    return new_database(endpoint)


@pytest.fixture(scope="module")
def scratch(endpoint: Endpoint) -> str:
    """A database to break; each test makes it anew."""
    return new_database(endpoint, "")


@pytest.fixture(scope="module")
def reference(endpoint: Endpoint, clean: str) -> Reference:
    return a_reference(listed(endpoint, clean))


def test_every_check_has_a_case() -> None:
    assert {case.kind for case in CASES} == set(CHECKS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_clean_copy_passes(
    case: Case, endpoint: Endpoint, clean: str, reference: Reference
) -> None:
    result, findings = check_one(
        RestoredDatabase(endpoint, clean), case.kind, case.spec, reference=reference
    )
    assert (result.verdict, findings) == (Verdict.PASSED, ()), result
    assert result.kind == case.kind
    assert result.name and result.expected and result.observed


@pytest.mark.parametrize("case", CASES, ids=str)
def test_seeded_fault_fails_by_name(
    case: Case, endpoint: Endpoint, scratch: str, reference: Reference
) -> None:
    reset(endpoint, scratch, SCHEMA + (_LOOSE if case.kind == "freshness" else "") + case.break_it)
    result, findings = check_one(
        RestoredDatabase(endpoint, scratch), case.kind, case.spec, reference=reference
    )
    assert result.verdict == Verdict.FAILED
    assert case.finding in {each.id for each in findings}
    for each in findings:
        assert each.title.startswith(result.name)
        assert each.expected and each.observed and each.hint
    if case.kind != "query" or case.spec["expect"] == "empty":
        assert MARKER not in repr((result, findings))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_empty_database_never_passes(
    case: Case, endpoint: Endpoint, scratch: str, reference: Reference
) -> None:
    reset(endpoint, scratch, "")
    empty = RestoredDatabase(endpoint, scratch)
    result, findings = check_one(empty, case.kind, case.spec, reference=reference)
    assert result.verdict != Verdict.PASSED
    assert findings and all(each.hint for each in findings)


@pytest.mark.parametrize("kind", CHECKS)
def test_nothing_to_compare_with_never_passes(kind: str, endpoint: Endpoint, scratch: str) -> None:
    """An empty database, and a reference that says nothing: each is inconclusive or failed."""
    case = next(case for case in CASES if case.kind == kind)
    reset(endpoint, scratch, "")
    empty = RestoredDatabase(endpoint, scratch)
    result, findings = check_one(empty, kind, case.spec)
    assert result.verdict != Verdict.PASSED
    assert findings


@pytest.mark.parametrize("case", CASES, ids=str)
def test_check_that_cannot_finish_is_inconclusive(
    case: Case, endpoint: Endpoint, clean: str, reference: Reference
) -> None:
    database = RestoredDatabase(endpoint, clean)
    database.prepare()
    with superuser(endpoint, clean) as other, other.transaction():
        other.execute(f"lock table {case.waits_on} in access exclusive mode".encode())
        results, findings = checked(
            database, a_check(case.kind, case.spec, seconds=0.5), reference=reference
        )
    assert results[0].verdict == Verdict.INCONCLUSIVE
    assert [each.id for each in findings] == ["validate.timed_out"]
    assert results[0].seconds < 5


@pytest.mark.parametrize("kind", CHECKS)
def test_server_that_is_gone_is_inconclusive(kind: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.kind == kind)
    nowhere = Endpoint(socket_dir=tmp_path, port=5432, user="x", password="x", nonce="x")
    reference = a_reference(frozenset({("TABLE", "public", "accounts")}))
    result, findings = check_one(
        RestoredDatabase(nowhere, "x"), kind, case.spec, reference=reference
    )
    assert result.verdict == Verdict.INCONCLUSIVE
    assert [each.id for each in findings] == ["validate.connection_lost"]


@pytest.mark.parametrize("kind", CHECKS)
def test_spec_is_described_and_strict(kind: str) -> None:
    spec = CHECKS[kind].SPEC
    with pytest.raises(ValidationError):
        spec.model_validate({"no_such_key": 1})
    for name, field in spec.model_fields.items():
        assert field.description, f"{kind}.{name} lacks a description for editors"
    assert spec.model_json_schema()["additionalProperties"] is False
