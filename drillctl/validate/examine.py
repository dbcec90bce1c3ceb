"""The one caller of checks: in parallel, each with its own sessions and its own deadline."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence

from drillctl.clock import Deadline
from drillctl.definition.drill import CheckSpec
from drillctl.errors import UnsafeError
from drillctl.evidence.facts import CheckResult, Finding
from drillctl.evidence.verdict import Verdict
from drillctl.validate.attempt import Attempt, Outcome
from drillctl.validate.catalogue import CHECKS
from drillctl.validate.contract import Check, Database, Reference
from drillctl.validate.untested import not_tested

__all__ = ["examine", "not_tested"]

OnResult = Callable[[CheckResult, tuple[Finding, ...]], None]

# Seconds past a check's deadline: the server's own statement_timeout has the first word.
CANCEL_AFTER = 1.0
SEVER_AFTER = 4.0
ABANDON_AFTER = 7.0
_TICK = 0.2


def examine(
    checks: Sequence[CheckSpec],
    database: Database,
    reference: Reference,
    *,
    parallel: int,
    tell: Callable[[str], None],
    on_result: OnResult,
    deadline_seconds: float,
    catalogue: dict[str, Check] | None = None,
) -> tuple[tuple[CheckResult, ...], tuple[Finding, ...]]:
    """Run every check, at most `parallel` at once, and answer in the order of the drill.

    `on_result` is called in this thread as checks end. What could not be looked at, in time or at
    all, is inconclusive. Raises UnsafeError when another server than the sandbox's answers; on
    any exception, an interruption among them, running queries are cancelled first.
    """
    examination = _Examination(
        database=database,
        reference=reference,
        tell=tell,
        on_result=on_result,
        deadline=Deadline(deadline_seconds),
        catalogue=catalogue or CHECKS,
    )
    outcomes = examination.run(checks, max(1, parallel))
    results = tuple(outcome.result for outcome in outcomes)
    return results, tuple(found for outcome in outcomes for found in outcome.findings)


class _Examination:
    def __init__(
        self,
        *,
        database: Database,
        reference: Reference,
        tell: Callable[[str], None],
        on_result: OnResult,
        deadline: Deadline,
        catalogue: dict[str, Check],
    ) -> None:
        self._database, self._reference, self._catalogue = database, reference, catalogue
        self._tell, self._on_result, self._deadline = tell, on_result, deadline
        self._done: queue.SimpleQueue[tuple[Attempt, Outcome | UnsafeError]] = queue.SimpleQueue()
        self._running: list[Attempt] = []
        self._outcomes: dict[Attempt, Outcome] = {}

    def run(self, checks: Sequence[CheckSpec], parallel: int) -> tuple[Outcome, ...]:
        attempts: list[Attempt] = []
        try:
            while len(self._outcomes) < len(checks):
                while len(attempts) < len(checks) and len(self._running) < parallel:
                    attempts.append(self._start(checks[len(attempts)], len(checks)))
                self._take_one(len(checks))
                for attempt in tuple(self._running):
                    self._press(attempt, len(checks))
        finally:
            self._end_all()
        return tuple(self._outcomes[attempt] for attempt in attempts)

    def _start(self, spec: CheckSpec, count: int) -> Attempt:
        attempt = Attempt(
            spec,
            self._catalogue[spec.kind],
            self._database,
            self._reference,
            deadline=self._deadline.capped(spec.deadline.total_seconds()),
            done=lambda which, outcome: self._done.put((which, outcome)),
        )
        if self._deadline.passed:
            self._settle(attempt, attempt.gave_up(started=False), count)
        else:
            self._running.append(attempt)
            attempt.thread.start()
        return attempt

    def _take_one(self, count: int) -> None:
        if not self._running:
            return
        try:
            attempt, outcome = self._done.get(timeout=_TICK)
        except queue.Empty:
            return
        if isinstance(outcome, UnsafeError):
            raise outcome
        # One that was given up may still answer; its verdict has been told.
        if attempt in self._running:
            self._running.remove(attempt)
            self._settle(attempt, outcome, count)

    def _press(self, attempt: Attempt, count: int) -> None:
        """What goes on past its deadline is cancelled, then cut off, then left behind."""
        over = attempt.overrun()
        if over >= ABANDON_AFTER:
            self._running.remove(attempt)
            self._settle(attempt, attempt.gave_up(), count)
        elif over >= SEVER_AFTER:
            attempt.database.sever()
        elif over >= CANCEL_AFTER:
            attempt.database.cancel()

    def _settle(self, attempt: Attempt, outcome: Outcome, count: int) -> None:
        self._outcomes[attempt] = outcome
        self._on_result(outcome.result, outcome.findings)
        done = f"{len(self._outcomes)} of {count} checks done"
        if outcome.result.verdict != Verdict.PASSED:
            done += f"; {attempt.name}: {outcome.result.verdict}"
        self._tell(done)

    def _end_all(self) -> None:
        for attempt in self._running:
            attempt.database.end()
        for attempt in self._running:
            attempt.thread.join(timeout=1.0)
            if attempt.thread.is_alive():
                attempt.database.sever()
                attempt.thread.join(timeout=1.0)
