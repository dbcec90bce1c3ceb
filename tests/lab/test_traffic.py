"""What each payment is told to have become, against a server that refuses, dies, or goes silent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg
import pytest

from drillctl.clock import Deadline, SystemClock
from drillctl.errors import SandboxError
from drillctl.lab.loss_ledger import Ending, LossLedger, Outcome, read_ledger
from drillctl.lab.payments import Stream, chart_of
from drillctl.lab.reconcile import reconcile, recovered_transfers
from drillctl.lab.seeding import make_database, seed
from drillctl.lab.sessions import APP, OWNER, Connection, connect
from drillctl.lab.traffic import Tally, Traffic
from drillctl.sandbox.contract import Sandbox
from drillctl.sandbox.settings import serving

pytestmark = pytest.mark.postgres
CLOCK = SystemClock()
SERVING = serving(512 << 20, 1)
_AT_COMMIT = """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN {} RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER zz_linger AFTER INSERT ON transfers
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger();
"""


@dataclass(slots=True)
class Bank:
    """A seeded server and a loss ledger; `next_number` is the first payment not sent yet."""

    sandbox: Sandbox
    stream: Stream
    path: Path
    ledger: LossLedger
    next_number: int

    def traffic(self, *, rate: float = 200) -> Traffic:
        """Of at most a thousand payments in one test."""
        first, self.next_number = self.next_number, self.next_number + 1000
        return Traffic(
            connect=partial(connect, self.sandbox.endpoint, role=APP),
            stream=self.stream,
            ledger=self.ledger,
            clock=CLOCK,
            rate=rate,
            clients=3,
            first=first,
        )

    def owner(self) -> Connection:
        return connect(self.sandbox.endpoint, role=OWNER)

    def reconciles(self) -> bool:
        with connect(self.sandbox.endpoint) as connection:
            loss = reconcile(self.path, recovered_transfers(connection))
        return loss.reconciles and loss.lost == 0


@pytest.fixture(scope="module")
def bank(module_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    path = tmp_path_factory.mktemp("bank") / "ledger"
    module_sandbox.start(SERVING)
    ledger = LossLedger(path, run_id="run", seed=7)
    stream = Stream("run", 7, chart_of(60, ("EUR", "USD")))
    with connect(module_sandbox.endpoint, database="postgres") as admin:
        admin.autocommit = True
        make_database(admin)
    with connect(module_sandbox.endpoint, role=OWNER) as owner:
        seeded = seed(owner, stream, ledger, CLOCK, CLOCK.now().wall)
    yield Bank(module_sandbox, stream, path, ledger, seeded.next_number)
    ledger.close()


def _until(traffic: Traffic, word: str, count: int) -> Tally:
    deadline = Deadline(20)
    while (tally := traffic.tally()).outcomes[word] < count:
        assert not deadline.passed
        assert traffic.crashed is None
    return tally


def test_what_the_server_takes_is_acked_and_there(bank: Bank) -> None:
    traffic = bank.traffic()
    traffic.start()
    _until(traffic, "acked", 30)
    assert traffic.stop(10)
    assert set(traffic.tally().outcomes) == {"acked"}
    assert bank.reconciles()


def test_what_the_server_rejects_is_refused_and_not_there(bank: Bank) -> None:
    with bank.owner() as owner:
        owner.execute("REVOKE INSERT ON outbox FROM ledger_app")
    traffic = bank.traffic()
    traffic.start()
    _until(traffic, "refused", 10)
    assert traffic.stop(10)
    with bank.owner() as owner:
        owner.execute("GRANT INSERT ON outbox TO ledger_app")
    tally = traffic.tally()
    assert set(tally.outcomes) == {"refused"}
    assert set(tally.refusals) == {"42501"}
    assert bank.reconciles()


def test_a_rejection_at_commit_is_refused_too(bank: Bank) -> None:
    with bank.owner() as owner:
        owner.execute(_AT_COMMIT.format("RAISE EXCEPTION 'no';"))
    traffic = bank.traffic()
    traffic.start()
    _until(traffic, "refused", 10)
    assert traffic.stop(10)
    with bank.owner() as owner:
        owner.execute("DROP FUNCTION linger CASCADE")
    assert set(traffic.tally().outcomes) == {"refused"}
    assert bank.reconciles()


def test_a_server_that_dies_in_commit_leaves_it_unknown_and_refuses_the_rest(bank: Bank) -> None:
    with bank.owner() as owner:
        row = owner.execute("SELECT pg_postmaster_start_time()::text").fetchone()
        assert row is not None
        same_server = f"pg_postmaster_start_time() = '{row[0]}'"
        sleep = f"IF {same_server} THEN PERFORM pg_sleep(30); END IF;"
        owner.execute(_AT_COMMIT.format(sleep))
    traffic = bank.traffic(rate=50)
    traffic.start()
    with connect(bank.sandbox.endpoint) as watcher:
        watcher.autocommit = True
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        deadline = Deadline(20)
        # Three clients pay; one of them at least has nobody's row lock to wait for.
        while watcher.execute(sleeping).fetchone() == (0,):
            assert not deadline.passed
        watcher.close()
    bank.sandbox.kill()
    _until(traffic, "refused", 10)
    bank.sandbox.start(SERVING)
    _until(traffic, "acked", 10)  # they came back by themselves
    assert traffic.stop(10)
    with bank.owner() as owner:
        owner.execute("DROP FUNCTION linger CASCADE")
    tally = traffic.tally()
    assert 1 <= tally.outcomes["unknown"] <= 3
    assert bank.reconciles()


def test_a_ledger_that_cannot_be_written_stops_all_payments(bank: Bank, tmp_path: Path) -> None:
    closed = LossLedger(tmp_path / "closed", run_id="run", seed=7)
    closed.close()
    traffic = bank.traffic()
    traffic._ledger = closed
    traffic.start()
    deadline = Deadline(10)
    while traffic.crashed is None:
        assert not deadline.passed
    assert traffic.stop(10)
    assert traffic.crashed == "OSError"
    assert traffic.tally().attempted == 0
    assert bank.reconciles()


def test_every_outcome_is_in_the_ledger_as_it_was_counted(bank: Bank) -> None:
    traffic = bank.traffic()
    first = bank.next_number - 1000
    traffic.start()
    _until(traffic, "acked", 5)
    assert traffic.stop(10)
    told = [
        fact.outcome
        for fact in read_ledger(bank.path)
        if isinstance(fact, Ending) and fact.number >= first
    ]
    assert told == [Outcome.ACKED] * traffic.tally().outcomes["acked"]


def test_another_server_on_the_socket_is_not_paid(bank: Bank) -> None:
    with bank.owner() as owner:
        assert owner.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(SandboxError, match="not the lab's own"):
        connect(replace(bank.sandbox.endpoint, nonce="other"))
    with pytest.raises(psycopg.OperationalError):
        connect(replace(bank.sandbox.endpoint, port=5433))
