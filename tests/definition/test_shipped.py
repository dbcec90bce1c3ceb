"""The shipped drill and lab, with the words that drillctl really has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from drillctl.clock import SystemClock
from drillctl.definition.drill import CheckSpec, Drill
from drillctl.definition.environment_file import Format
from drillctl.definition.lint import lint
from drillctl.definition.load import load_drill
from drillctl.definition.nodes import read_nodes
from drillctl.definition.schema import drill_schema, environment_schema
from drillctl.definition.source import read_source
from drillctl.lab.backups import FORMATS
from drillctl.lab.loss_ledger import LossLedger
from drillctl.lab.payments import Stream, chart_of
from drillctl.lab.seeding import make_database, seed
from drillctl.lab.sessions import OWNER, connect
from drillctl.orchestration.vocabulary import vocabulary
from drillctl.sandbox.contract import Endpoint, Sandbox
from drillctl.validate.contract import Reference
from drillctl.validate.database import RestoredDatabase
from tests.validate.restored import checked, listed, new_database, run_script, superuser

ROOT = Path(__file__).parents[2]
DRILL = ROOT / "drills" / "ledger-restore.yaml"


@pytest.fixture(scope="module")
def drill() -> Drill:
    return load_drill(DRILL, vocabulary())


@pytest.fixture(scope="module")
def endpoint(
    module_sandbox: Sandbox, drill: Drill, tmp_path_factory: pytest.TempPathFactory
) -> Endpoint:
    """A server with the lab's ledger in it, in the database `ledger`."""
    assert drill.environment is not None
    traffic = drill.environment.traffic
    assert traffic is not None
    endpoint = module_sandbox.endpoint
    with superuser(endpoint, "template1") as connection:
        make_database(connection)
    stream = Stream("test", traffic.seed, chart_of(traffic.accounts, traffic.currencies))
    file = tmp_path_factory.mktemp("lab") / "loss-ledger"
    ledger = LossLedger(file, run_id="test", seed=traffic.seed)
    with connect(endpoint, role=OWNER) as connection:
        seed(connection, stream, ledger, SystemClock(), datetime.now(UTC))
    ledger.close()
    return endpoint


def verdicts(
    endpoint: Endpoint, dbname: str, checks: tuple[CheckSpec, ...], seconds: float = 20
) -> dict[str, str]:
    """Of `checks` by name, as if the disaster had struck so long after the last transfer."""
    with superuser(endpoint, dbname) as connection:
        row = connection.execute("select max(created_at) from transfers").fetchone()
    assert row is not None
    reference = Reference(
        disaster=row[0] + timedelta(seconds=seconds),
        consistent_at=None,
        structure=listed(endpoint, "ledger"),
        folder=DRILL.parent,
    )
    results, _ = checked(RestoredDatabase(endpoint, dbname), *checks, reference=reference)
    return {result.name: result.verdict.value for result in results}


def test_everything_shipped_is_right() -> None:
    linted = lint([ROOT / "drills", ROOT / "environments"], vocabulary())
    assert len(linted) >= 2
    for file, problems in linted:
        assert not problems, file


def test_everything_shipped_is_right_for_editors_too() -> None:
    for folder, schema in (("drills", drill_schema), ("environments", environment_schema)):
        made = schema(vocabulary())
        Draft202012Validator.check_schema(made)
        for file in (ROOT / folder).glob("*.yaml"):
            Draft202012Validator(made).validate(read_nodes(read_source(file)).data)


def test_what_the_shipped_drill_says(drill: Drill) -> None:
    assert (drill.name, drill.tier, drill.severity) == ("ledger-restore", 1, "P1")
    assert drill.environment is not None
    assert (drill.environment.name, drill.environment.kind) == ("lab", "lab")
    assert drill.restore.location is None, "the lab supplies it"
    kinds = {check.kind for check in drill.checks}
    assert kinds == set(vocabulary().checks), "the shipped drill shows every kind of check"


@pytest.mark.postgres
def test_the_shipped_checks_pass_on_the_labs_ledger(drill: Drill, endpoint: Endpoint) -> None:
    found = verdicts(endpoint, "ledger", drill.checks)
    assert len(found) == len(drill.checks)
    assert set(found.values()) == {"passed"}, found
    late = verdicts(endpoint, "ledger", drill.checks, seconds=31)
    assert [name for name in late if late[name] == "failed"] == ["newest transfers.created_at"]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (
            "every transfer balances in each currency",
            "update entries set amount = amount + 0.0001 where transfer_id = 700 and leg = 1",
        ),
        (
            "every transfer has two entries or more",
            "delete from entries where transfer_id = 700",
        ),
        (
            "every balance is the sum of its entries",
            "update accounts set balance = balance + 0.0001 where id = 70",
        ),
        (
            "nobody is overdrawn",
            "alter table accounts drop constraint accounts_not_overdrawn;"
            " update accounts set balance = -1 where id = 70",
        ),
        ("the trial balance closes", "update entries set amount = 1 where transfer_id = 700"),
        ("every transfer was announced once", "delete from outbox where transfer_id = 700"),
        ("every document has its body", "select lo_unlink(body) from documents where id = 1"),
    ],
)
def test_each_shipped_query_sees_its_fault(
    name: str, fault: str, drill: Drill, endpoint: Endpoint
) -> None:
    (check,) = [check for check in drill.checks if check.name == name]
    broken = new_database(endpoint, f"begin; {fault}; commit", template="ledger")
    assert verdicts(endpoint, broken, (check,)) == {name: "failed"}
    run_script(endpoint, "template1", f"drop database {broken}")


def test_the_lab_can_take_every_format_that_an_environment_may_name() -> None:
    assert set(FORMATS) == set(get_args(Format))
