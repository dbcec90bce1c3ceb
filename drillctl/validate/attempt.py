"""One check in its own thread: its sessions can be cancelled or cut from outside."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import errors

from drillctl.clock import Deadline, SystemClock
from drillctl.definition.drill import CheckSpec
from drillctl.errors import UnsafeError
from drillctl.evidence.facts import CheckResult, Finding
from drillctl.evidence.verdict import Verdict, worst
from drillctl.validate.contract import Check, Connection, Database, Observation, Reference, finding
from drillctl.validate.explain import explain, timed_out
from drillctl.validate.names import printable

CANCEL_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    result: CheckResult
    findings: tuple[Finding, ...]


class Watched:
    """A Database that remembers its open sessions; every statement ends at the deadline."""

    def __init__(self, database: Database, deadline: Deadline) -> None:
        self._database = database
        self._deadline = deadline
        self._open: list[Connection] = []
        self._ended = False
        self._lock = threading.Lock()

    def session(
        self, settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Connection]:
        return self._session(dict(settings or {}))

    @contextmanager
    def _session(self, settings: dict[str, str]) -> Iterator[Connection]:
        # At least a millisecond: 0 would mean no limit at all.
        limit = max(1, int(self._deadline.remaining() * 1000))
        with self._database.session({"statement_timeout": f"{limit}ms"} | settings) as connection:
            with self._lock:
                if self._ended:
                    raise errors.QueryCanceled("no more sessions")
                self._open.append(connection)
            try:
                yield connection
            finally:
                with self._lock:
                    self._open.remove(connection)

    def cancel(self) -> None:
        """Ask the server to end what runs. Never raises."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(psycopg.Error):
                    connection.cancel_safe(timeout=CANCEL_SECONDS)

    def end(self) -> None:
        """Cancel what runs, and let no new session begin."""
        with self._lock:
            self._ended = True
        self.cancel()

    def sever(self) -> None:
        """Cut the sockets, so that a thread which waits for a frozen server wakes up."""
        with self._lock:
            for connection in self._open:
                with (
                    contextlib.suppress(psycopg.Error, OSError),
                    socket.socket(fileno=os.dup(connection.fileno())) as copy,
                ):
                    copy.shutdown(socket.SHUT_RDWR)


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
