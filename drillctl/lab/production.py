"""The lab's production: a primary with its database, its traffic and its backups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from drillctl.clock import Clock
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.lab.backups import Scheduler
from drillctl.lab.keeper_plan import BACKUPS, EFFECTS, LEDGER, KeeperPlan
from drillctl.lab.loss_ledger import LossLedger
from drillctl.lab.payments import Stream, chart_of
from drillctl.lab.seeding import Seeded, make_database, seed
from drillctl.lab.sessions import APP, OWNER, connect
from drillctl.lab.state import BackupTaken, Counts
from drillctl.lab.traffic import Traffic
from drillctl.sandbox.contract import Sandbox
from drillctl.sandbox.selection import choose_provider
from drillctl.sandbox.settings import serving

_SEEDING_SECONDS = 3600.0
_PAYMENT_SECONDS = 5.0
_HANG_SECONDS = 6.0


class Telling(Protocol):
    """Called before each step, with `provider` and `server` as they become known."""

    def __call__(self, doing: str, **known: str) -> None: ...


class Production:
    """Comes up once, then is either closed down or lost. Used by one thread, but for `counts`."""

    def __init__(self, folder: Path, plan: KeeperPlan, clock: Clock) -> None:
        self._folder, self._plan, self._clock = folder, plan, clock
        self._journal = Journal(folder / EFFECTS)
        self._sandbox: Sandbox | None = None
        self._ledger: LossLedger | None = None
        self._traffic: Traffic | None = None
        self._scheduler: Scheduler | None = None
        self._seeded = 0
        self._seen_acked: datetime | None = None

    def come_up(self, tell: Telling) -> None:
        """Returns when payments are being made. Raises SandboxError, psycopg.Error."""
        plan = self._plan
        order = plan.order(self._folder)
        provider = choose_provider(plan.provider, order)
        tell(f"making a primary ({provider.name})", provider=provider.name)
        sandbox = self._sandbox = provider.create(order, self._journal)
        sandbox.start(serving(order.memory, order.cpus))
        tell(f"seeding {plan.accounts} accounts", server=f"PostgreSQL {sandbox.major}")
        stream = Stream(plan.run_id, plan.seed, chart_of(plan.accounts, plan.currencies))
        ledger = self._ledger = LossLedger(
            self._folder / LEDGER, run_id=plan.run_id, seed=plan.seed
        )
        seeded = self._seed(sandbox, stream, ledger)
        self._seeded = seeded.transfers
        self._traffic = Traffic(
            connect=partial(connect, sandbox.endpoint, role=APP, timeout_seconds=_PAYMENT_SECONDS),
            stream=stream,
            ledger=ledger,
            clock=self._clock,
            rate=plan.rate,
            clients=plan.clients,
            first=seeded.next_number,
        )
        self._scheduler = Scheduler(
            sandbox,
            self._folder / BACKUPS,
            form=plan.form,
            every=plan.every,
            keep=plan.keep,
            clock=self._clock,
        )
        self._traffic.start()
        self._scheduler.start()

    def _seed(self, sandbox: Sandbox, stream: Stream, ledger: LossLedger) -> Seeded:
        with connect(
            sandbox.endpoint, database="postgres", timeout_seconds=_SEEDING_SECONDS
        ) as admin:
            admin.autocommit = True
            make_database(admin)
        with connect(sandbox.endpoint, role=OWNER, timeout_seconds=_SEEDING_SECONDS) as owner:
            return seed(owner, stream, ledger, self._clock, self._clock.now().wall)

    def taken(self) -> tuple[BackupTaken, ...]:
        """Backups that ended, oldest first, complete or not."""
        return self._scheduler.taken() if self._scheduler is not None else ()

    def counts(self) -> Counts:
        if self._traffic is None:
            return Counts(seeded=self._seeded)
        tally = self._traffic.tally()
        return Counts(
            seeded=self._seeded,
            attempted=tally.attempted,
            acknowledged=tally.outcomes["acked"],
            refused=tally.outcomes["refused"],
            unknown=tally.outcomes["unknown"],
            late_seconds=round(tally.late_seconds, 3),
            refusals=dict(tally.refusals),
            last_acknowledged_at=tally.last_acked_at,
        )

    def insist_on_health(self) -> None:
        """Raises SandboxError when traffic ended from inside or the primary is gone by itself."""
        if self._traffic is not None and self._traffic.crashed:
            raise SandboxError(
                "lab.traffic_crashed",
                "the lab's traffic ended by itself",
                observed=self._traffic.crashed,
                hint="look into keeper.log; a full disk cannot take the loss ledger",
            )
        acked = self.counts().last_acknowledged_at
        if self._sandbox is None or acked != self._seen_acked:
            self._seen_acked = acked  # it answers: no need to ask what ails it
            return
        trouble = self._sandbox.trouble()
        if trouble is not None:
            raise SandboxError(
                trouble.finding,
                f"the lab's primary: {trouble.title}",
                observed=trouble.observed,
                hint=trouble.hint,
            )

    def lose(self, wait: Callable[[float], object]) -> None:
        """Kill the primary under traffic; go on asking for a second so that refusals are seen."""
        if self._sandbox is not None:
            self._sandbox.kill()
        if self._scheduler is not None:
            self._scheduler.stop()
        wait(1.0)

    def remove(self) -> tuple[str, ...]:
        """Traffic, primary and data; what is left. May be called twice, and at any time."""
        if self._scheduler is not None:
            self._scheduler.stop()
        if self._traffic is not None:
            self._traffic.stop(_HANG_SECONDS)
        left = self._destroy()
        if self._scheduler is not None:
            self._scheduler.join(_HANG_SECONDS)
        if self._ledger is not None:
            self._ledger.close()
        self._journal.close()
        return left

    def _destroy(self) -> tuple[str, ...]:
        if self._sandbox is None:
            return ()
        try:
            return self._sandbox.destroy()
        except SandboxError as error:
            return (f"{self._sandbox.name} (could not look: {error.message})",)
