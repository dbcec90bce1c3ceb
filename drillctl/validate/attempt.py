"""One check in its own thread, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from drillctl.clock import Deadline, SystemClock
from drillctl.definition.drill import CheckSpec
from drillctl.errors import UnsafeError
from drillctl.evidence.facts import CheckResult, Finding
from drillctl.evidence.verdict import Verdict, worst
from drillctl.validate.contract import Check, Database, Observation, Reference, finding
from drillctl.validate.explain import explain, timed_out
from drillctl.validate.names import printable
from drillctl.validate.watched import Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    result: CheckResult
    findings: tuple[Finding, ...]


class Attempt:
    """`done` is called once, in the attempt's thread, with the outcome or an UnsafeError."""

    def __init__(
        self,
        spec: CheckSpec,
        check: Check,
        database: Database,
        reference: Reference,
        *,
        deadline: Deadline,
        done: Callable[[Attempt, Outcome | UnsafeError], None],
    ) -> None:
        self.spec = spec
        self.name = printable(spec.name or check.label(spec.spec))
        self.deadline = deadline
        self.database = Watched(database, deadline)
        self.thread = threading.Thread(target=self._run, name=f"check {self.name}", daemon=True)
        self._check, self._reference, self._done = check, reference, done
        self._began = SystemClock().now().steady

    def _run(self) -> None:
        try:
            observation = self._check.run(self.spec.spec, self.database, self._reference)
        except UnsafeError as error:
            self._done(self, error)
            return
        except Exception as error:  # whatever it was, this check did not pass
            observation = self._could_not(explain(error, self.spec.spec.model_dump_json()))
        self._done(self, self.outcome(observation))

    def elapsed(self) -> float:
        """Seconds since the attempt was made."""
        return SystemClock().now().steady - self._began

    def overrun(self) -> float:
        """Seconds past the deadline; below zero while there is time."""
        return self.elapsed() - self.deadline.seconds

    def gave_up(self, *, started: bool = True) -> Outcome:
        """The outcome of an attempt that does not end, or never began."""
        return self.outcome(self._could_not(timed_out(self.deadline.seconds, started=started)))

    def _could_not(self, found: Finding) -> Observation:
        """A connection that was cut because time was up is no lost connection."""
        cut = found.id == "validate.connection_lost" and self.overrun() >= 0
        if cut or found.id == "validate.timed_out":
            found = timed_out(self.deadline.seconds, started=self.thread.ident is not None)
        return Observation(
            verdict=found.verdict, expected="an answer", observed=found.title, findings=(found,)
        )

    def outcome(self, observation: Observation) -> Outcome:
        """Findings say whose they are; a verdict other than passed has at least one."""
        findings = observation.findings
        if observation.verdict != Verdict.PASSED and not findings:
            findings = (
                finding("unexplained", "the check gave no reason", verdict=observation.verdict),
            )
        result = CheckResult(
            name=self.name,
            kind=self.spec.kind,
            verdict=worst((observation.verdict, *(found.verdict for found in findings))),
            expected=printable(observation.expected),
            observed=printable(observation.observed),
            seconds=round(self.elapsed(), 3),
        )
        return Outcome(result=result, findings=tuple(map(self._told, findings)))

    def _told(self, found: Finding) -> Finding:
        """With the check's name, since several checks may make the same finding."""
        return found.model_copy(
            update={
                "title": f"{self.name}: {printable(found.title)}",
                "expected": printable(found.expected),
                "observed": printable(found.observed),
            }
        )
