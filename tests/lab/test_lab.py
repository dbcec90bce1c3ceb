"""A lab from outside: production under traffic, lost, restored, reconciled to the last write."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from drillctl.clock import Deadline
from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal, read_journal
from drillctl.evidence.owner import is_alive
from drillctl.lab.lab import Lab, open_lab
from drillctl.lab.loss_ledger import Attempt, read_ledger
from drillctl.lab.reconcile import reconcile, recovered_transfers
from drillctl.lab.sessions import Connection, connect
from drillctl.sandbox.contract import Sandbox
from drillctl.sandbox.providers.process_place import PORT, place_for
from drillctl.sandbox.sweep import sweep
from tests.lab.small_lab import MakeLab, a_lab, lab_environment

pytestmark = pytest.mark.postgres
_UNBALANCED = """
    SELECT transfer_id FROM entries GROUP BY transfer_id, currency HAVING sum(amount) <> 0
"""
_UNTRUE_BALANCES = """
    SELECT a.id FROM accounts a LEFT JOIN entries e ON e.account_id = a.id GROUP BY a.id
    HAVING coalesce(sum(e.amount), 0) <>
        CASE a.kind WHEN 'settlement' THEN a.balance ELSE -a.balance END
"""
_UNANNOUNCED = """
    SELECT id FROM transfers t WHERE 1 <> (SELECT count(*) FROM outbox o WHERE o.transfer_id = t.id)
"""


def _primary(lab: Lab) -> psycopg.Connection[tuple[object, ...]]:
    """Into the running primary, as the machine's owner can."""
    place = place_for(lab.state().run_id, "primary")
    password = place.passfile.read_text().strip().rpartition(":")[2]
    return psycopg.connect(
        host=str(place.sockets), port=PORT, user="postgres", password=password, dbname="ledger"
    )


def _wait_for_acks(lab: Lab, count: int) -> None:
    deadline = Deadline(20)
    while lab.state().counts.acknowledged < count:
        assert not deadline.passed


def _is_gone(lab: Lab) -> bool:
    place = place_for(lab.state().run_id, "primary")
    return not place.folder.exists() and not place.owner_link.is_symlink()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """For tests that only look."""
    yield from a_lab(tmp_path_factory.mktemp("running") / "lab", rate=40)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    for lab in a_lab(tmp_path_factory.mktemp("lost") / "lab", rate=60):
        lab.wait_until_warm(timedelta(seconds=6), lambda line: None)
        before = datetime.now(UTC)
        assert before <= lab.lose_primary() <= datetime.now(UTC)
        yield lab


@pytest.fixture(scope="module")
def restored(lost: Lab, module_sandbox: Sandbox) -> Iterator[Connection]:
    """The newest backup, put back by hand."""
    newest = lost.state().newest_backup
    assert newest is not None
    with connect(module_sandbox.endpoint, database="postgres") as admin:
        admin.autocommit = True
        for role in ("ledger_owner", "ledger_app", "ledger_report"):
            admin.execute(f"CREATE ROLE {role}")
        admin.execute("CREATE DATABASE ledger")
    argv = (module_sandbox.tool("pg_restore"), "--dbname=ledger", "--exit-on-error")
    dump = (lost.backups / newest.name).read_bytes()
    done = module_sandbox.run(Command(argv=argv), timeout=60, feed=(dump,))
    assert (done.exit_code, done.stderr) == (0, "")
    with connect(module_sandbox.endpoint) as connection:
        yield connection


def test_the_ledger_stays_true_under_traffic(running: Lab) -> None:
    _wait_for_acks(running, 50)
    with _primary(running) as connection:
        for query in (_UNBALANCED, _UNTRUE_BALANCES, _UNANNOUNCED):
            assert connection.execute(query).fetchall() == []
        parts = connection.execute("SELECT DISTINCT tableoid::regclass FROM entries").fetchall()
        assert len(parts) >= 3


def test_an_unbalanced_transfer_is_refused_at_commit(running: Lab) -> None:
    with _primary(running) as connection:
        connection.execute(
            "INSERT INTO transfers (idempotency_key, kind, currency, amount, requested_at)"
            " VALUES (gen_random_uuid(), 'person', 'EUR', 1, now())"
        )
        with pytest.raises(psycopg.errors.CheckViolation, match="not balanced"):
            connection.commit()


def test_payments_keep_to_their_schedule(running: Lab) -> None:
    _wait_for_acks(running, 120)
    seeded = running.state().counts.seeded
    sent = [
        fact.sent_at
        for fact in read_ledger(running.ledger)
        if isinstance(fact, Attempt) and fact.number > seeded
    ]
    rate = (len(sent) - 1) / (sent[-1] - sent[0]).total_seconds()
    assert 30 <= rate <= 50


def test_sweep_is_for_the_dead_only(running: Lab) -> None:
    assert not [found for found in sweep() if found.run_id == running.state().run_id]
    assert running.status()["phase"] == "ready"


def test_lost_restored_and_reconciled(lost: Lab, restored: Connection) -> None:
    state, loss = lost.state(), reconcile(lost.ledger, recovered_transfers(restored))
    newest, disaster = state.newest_backup, state.disaster_at
    assert newest is not None
    assert disaster is not None
    assert loss.reconciles
    assert loss.acknowledged == state.counts.seeded + state.counts.acknowledged
    assert 0 < loss.lost < state.counts.acknowledged
    assert loss.lost_amounts
    assert loss.first_lost_at is not None
    assert loss.last_survived_at is not None
    assert loss.last_acknowledged_at is not None
    assert newest.began_at < loss.first_lost_at <= loss.last_acknowledged_at
    assert loss.last_acknowledged_at < disaster + timedelta(seconds=1)


def test_the_restored_ledger_is_true(restored: Connection) -> None:
    for query in (_UNBALANCED, _UNTRUE_BALANCES, _UNANNOUNCED):
        assert restored.execute(query).fetchall() == []


_NEWEST = "(SELECT max(id) FROM transfers)"


@pytest.mark.parametrize(
    "fault",
    [
        f"UPDATE transfers SET amount = amount + 0.0001 WHERE id = {_NEWEST}",
        f"UPDATE transfers SET currency = 'XXX' WHERE id = {_NEWEST}",
        f"UPDATE transfers SET idempotency_key = gen_random_uuid() WHERE id = {_NEWEST}",
        "ALTER TABLE transfers DROP CONSTRAINT transfers_idempotency_key_key;"
        " ALTER TABLE transfers DISABLE TRIGGER transfers_balanced;"
        " INSERT INTO transfers (idempotency_key, kind, currency, amount, requested_at)"
        " SELECT idempotency_key, kind, currency, amount, requested_at FROM transfers"
        f" WHERE id = {_NEWEST}",
    ],
)
def test_a_fault_in_the_restored_ledger_does_not_reconcile(
    lost: Lab, restored: Connection, fault: str
) -> None:
    restored.execute(fault)
    assert not reconcile(lost.ledger, recovered_transfers(restored)).reconciles
    restored.rollback()


def test_the_primary_is_gone_and_refused_before_it_was(lost: Lab) -> None:
    state = lost.state()
    assert _is_gone(lost)
    assert state.left == ()
    assert state.counts.refused > 10
    assert (lost.down(), lost.down()) == ((), ())


def test_no_outcome_is_told_before_its_attempt(lost: Lab) -> None:
    tried: set[int] = set()
    ended: set[int] = set()
    for fact in read_ledger(lost.ledger):
        if isinstance(fact, Attempt):
            assert fact.number not in tried
            tried.add(fact.number)
        else:
            assert fact.number in tried - ended
            ended.add(fact.number)
    assert ended == tried


def test_kill_9_of_the_keeper_loses_no_acknowledged_line(make_lab: MakeLab) -> None:
    lab = make_lab(rate=200)
    _wait_for_acks(lab, 100)
    keeper = lab.state().keeper
    os.kill(keeper.pid, signal.SIGKILL)
    deadline = Deadline(10)
    while is_alive(keeper):
        assert not deadline.passed
    with _primary(lab) as connection:
        loss = reconcile(lab.ledger, recovered_transfers(connection))
    assert loss.reconciles
    assert loss.lost == 0
    assert loss.acknowledged >= 100 + lab.state().counts.seeded
    with pytest.raises(SandboxError) as caught:
        lab.lose_primary()
    assert caught.value.finding == "lab.keeper_gone"
    assert lab.down() == ()
    assert _is_gone(lab)


def test_down_while_it_comes_up_leaves_nothing(make_lab: MakeLab, tmp_path: Path) -> None:
    run_id = f"test-{uuid4().hex[:12]}"

    def stop_at_seeding(line: str) -> None:
        if "seeding" in line:
            raise KeyboardInterrupt

    journal = Journal(tmp_path / "journal.jsonl")
    with pytest.raises(KeyboardInterrupt):
        Lab.bring_up(
            lab_environment(accounts=3000),
            folder=tmp_path / "lab",
            provider="process",
            image=None,
            run_id=run_id,
            tell=stop_at_seeding,
            journal=journal,
        )
    journal.close()
    kinds = [entry.kind for entry in read_journal(journal.path).entries]
    assert kinds == ["effect_intended", "effect_done", "effect_undone"]
    assert not place_for(run_id, "primary").owner_link.is_symlink()
    assert open_lab(tmp_path / "lab").status()["phase"] == "stopped"


def test_a_detached_lab_is_found_again(make_lab: MakeLab, tmp_path: Path) -> None:
    lab = make_lab(detach=True)
    found = open_lab(tmp_path / "lab")
    assert (found.status()["phase"], found.status()["alive"]) == ("ready", True)
    assert lab.folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(SandboxError) as caught:
        make_lab(detach=True)
    assert caught.value.finding == "lab.already_up"
    assert found.down() == ()
    assert (found.status()["phase"], found.status()["alive"]) == ("stopped", False)
    assert _is_gone(lab)


def test_what_cannot_come_up_says_why_and_leaves_nothing(make_lab: MakeLab) -> None:
    with pytest.raises(SandboxError) as caught:
        make_lab(provider="none-such")
    assert caught.value.finding == "sandbox.unavailable"
    assert "none-such" in caught.value.message


def test_a_primary_that_dies_by_itself_is_reported(make_lab: MakeLab) -> None:
    lab = make_lab()
    _wait_for_acks(lab, 10)
    place = place_for(lab.state().run_id, "primary")
    postmaster = int((place.data / "postmaster.pid").read_text().split()[0])
    assert postmaster > 0
    with _primary(lab) as connection, pytest.raises(psycopg.OperationalError):
        connection.execute("COPY (SELECT 1) TO PROGRAM 'kill -QUIT $(head -n 1 postmaster.pid)'")
        connection.execute("SELECT pg_sleep(5)")
    deadline = Deadline(20)
    while lab.state().phase == "ready":
        assert not deadline.passed
    with pytest.raises(SandboxError) as caught:
        lab.wait_until_warm(timedelta(seconds=1), lambda line: None)
    assert caught.value.finding == "sandbox.server_gone"
