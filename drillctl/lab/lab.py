"""A lab from outside: bring it up, wait until it is worth losing, lose it, take it down."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drillctl.clock import Deadline
from drillctl.definition.environment import Environment
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import is_alive
from drillctl.interrupt import shielded
from drillctl.lab.backups import remove
from drillctl.lab.keeper_plan import (
    BACKUPS,
    EFFECTS,
    LEDGER,
    LOG,
    PLAN,
    KeeperPlan,
    plan_for,
    write_plan,
)
from drillctl.lab.keeper_process import KeeperProcess
from drillctl.lab.state import STATE, LabState, Phase, read_state

Tell = Callable[[str], None]
_POLL_SECONDS = 0.03
_SEEDED_PER_SECOND = 250  # accounts with their history, on a slow machine


class Lab:
    """One lab and its folder. `journal` is told when it is made and when it is gone."""

    def __init__(self, folder: Path, *, journal: Journal | None = None) -> None:
        self.folder = folder.resolve()
        self._keeper = KeeperProcess(self.folder)
        self._journal = journal

    @staticmethod
    def bring_up(
        environment: Environment,
        *,
        folder: Path,
        provider: str,
        image: str | None,
        run_id: str,
        tell: Tell,
        journal: Journal | None = None,
        detach: bool = False,
        timeout: float = 120,
    ) -> Lab:
        """Start the keeper and wait until payments are being made.

        Attended labs go away with this process. `timeout` is in seconds, for a lab without
        accounts; seeding them comes on top. Raises SandboxError with the keeper's own finding;
        then nothing is left.
        """
        plan = plan_for(
            environment, run_id=run_id, provider=provider, image=image, attended=not detach
        )
        _make_folder(folder, plan)
        lab = Lab(folder, journal=journal)
        try:
            if journal is None:
                lab._keeper.start(detach=detach)
            else:
                with journal.making("lab", str(lab.folder)):
                    lab._keeper.start(detach=detach)
            lab._wait_for(Phase.READY, timeout + plan.accounts / _SEEDED_PER_SECOND, tell)
        except BaseException:
            with shielded():
                lab.down()
            raise
        return lab

    @property
    def backups(self) -> Path:
        return self.folder / BACKUPS

    @property
    def ledger(self) -> Path:
        """The loss ledger: every transfer tried and every one acknowledged."""
        return self.folder / LEDGER

    def state(self) -> LabState:
        """Raises SandboxError when there is none."""
        state = read_state(self.folder)
        if state is None:
            raise SandboxError(
                "lab.not_found",
                f"there is no lab in {self.folder}",
                hint="bring one up with `drillctl lab up ENVIRONMENT`",
            )
        return state

    def status(self) -> dict[str, Any]:
        """For people and scripts: plain values only."""
        state = self.state()
        newest = state.newest_backup
        return {
            "phase": str(state.phase),
            "alive": bool(is_alive(state.keeper)),
            "doing": state.doing,
            "reason": state.reason,
            "provider": state.provider,
            "server": state.server,
            "ready_at": _text(state.ready_at),
            "disaster_at": _text(state.disaster_at),
            **state.counts.model_dump(mode="json"),
            "backups": sum(backup.ok for backup in state.backups),
            "newest_backup": newest.name if newest else None,
            "newest_backup_at": _text(newest.began_at) if newest else None,
            "folder": str(self.folder),
        }

    def wait_until_warm(self, warm_up: timedelta, tell: Tell) -> None:
        """Until production ran for `warm_up`, a backup is complete, and transfers were acknowledged
        after it: then there is something to restore and something to lose. Raises SandboxError."""
        deadline = Deadline(warm_up.total_seconds() + 120)
        told = 0.0
        while not _is_warm(state := self._running(), warm_up):
            if deadline.passed:
                raise SandboxError(
                    "lab.never_warm",
                    "the lab has no complete backup with acknowledged transfers after it",
                    observed=f"{sum(one.ok for one in state.backups)} complete backups,"
                    f" {state.counts.acknowledged} acknowledged transfers",
                    hint="look into keeper.log in the lab's folder",
                )
            if deadline.seconds - deadline.remaining() >= told:
                told += 5
                tell(_progress(state))
            time.sleep(_POLL_SECONDS)
        tell(_progress(state))

    def lose_primary(self, timeout: float = 60) -> datetime:
        """Kill the primary under traffic and destroy its data. Returns the moment of the disaster
        on the wall clock, read just before the kill. Raises SandboxError."""
        state = self._running()
        self._keeper.order(state.keeper, signal.SIGUSR1)
        lost = self._wait_for(Phase.LOST, timeout, lambda line: None)
        if lost.disaster_at is None:
            raise SandboxError("lab.not_lost", "the lab was lost without a moment of disaster")
        return lost.disaster_at

    def down(self) -> tuple[str, ...]:
        """Stop everything, look for it again, and return what is still there. May be called twice,
        and after the keeper died. Raises SandboxError when it could not look."""
        left = self._keeper.end()
        if not left and self._journal is not None:
            self._journal.unmade("lab", str(self.folder))
            self._journal = None
        return left

    def _wait_for(self, phase: Phase, timeout: float, tell: Tell) -> LabState:
        deadline, doing = Deadline(timeout), ""
        while not deadline.passed:
            state = read_state(self.folder)
            if state is not None:
                if state.phase == phase:
                    return state
                if state.phase.final:
                    raise _failure(state)
                if state.doing and state.doing != doing:
                    tell(f"lab: {state.doing}")
                    doing = state.doing
            self._keeper.insist(state)
            time.sleep(_POLL_SECONDS)
        raise SandboxError(
            "lab.too_slow",
            f"the lab was not {phase} in time",
            expected=f"within {timeout:.0f}s",
            hint="look into keeper.log in the lab's folder",
        )

    def _running(self) -> LabState:
        state = self.state()
        self._keeper.insist(state)
        if state.phase != Phase.READY:
            raise _failure(state)
        return state


def open_lab(folder: Path) -> Lab:
    """One that `drillctl lab up` left running. Raises SandboxError when there is none."""
    lab = Lab(folder)
    lab.state()
    return lab


def _make_folder(folder: Path, plan: KeeperPlan) -> None:
    """A closed folder; what a dead lab of the same name left in it is removed."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    old = read_state(folder)
    if old is not None and is_alive(old.keeper):
        raise SandboxError(
            "lab.already_up",
            f"a lab is running in {folder} already",
            hint="take it down with `drillctl lab down`, or use another --out",
        )
    if old is not None:
        Lab(folder).down()
    for name in (STATE, PLAN, LEDGER, EFFECTS, LOG, BACKUPS):
        remove(folder / name)
    (folder / BACKUPS).mkdir(mode=0o700)
    if plan.form == "directory":
        # The primary's own account writes here; nobody else gets past the folder above.
        (folder / BACKUPS).chmod(0o777)
    write_plan(folder, plan)


def _is_warm(state: LabState, warm_up: timedelta) -> bool:
    newest, acked = state.newest_backup, state.counts.last_acknowledged_at
    if state.ready_at is None or newest is None or acked is None:
        return False
    return datetime.now(UTC) - state.ready_at >= warm_up and acked > newest.ended_at


def _progress(state: LabState) -> str:
    counts, backups = state.counts, sum(backup.ok for backup in state.backups)
    return f"lab: {counts.acknowledged} transfers acknowledged, {backups} backups complete"


def _failure(state: LabState) -> SandboxError:
    return SandboxError(
        state.finding or "lab.not_running",
        f"the lab {'failed' if state.phase == Phase.FAILED else f'is {state.phase}'}"
        + (f": {state.reason}" if state.reason else ""),
        hint=state.hint or "look into keeper.log in the lab's folder",
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
