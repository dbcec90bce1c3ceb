"""What every stage of a drill works with, and how a stage that fails is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drillctl.errors import NamedError, RecoveryFailed
from drillctl.evidence.facts import Finding, Room
from drillctl.evidence.journal import Journal
from drillctl.evidence.runs import RunFolder
from drillctl.evidence.verdict import Status, Verdict, worst
from drillctl.orchestration.blame import finding_of
from drillctl.orchestration.plan import Plan
from drillctl.orchestration.teardown import Cleanup

Tell = Callable[[str], None]

# The lab and the sandbox have findings but no status of their own in a record.
_WITH_STATUS = frozenset({Room.RESTORE, Room.VALIDATE})


class DrillEnded(Exception):  # noqa: N818 - an event: a stage ended the drill, and it is journaled
    """The drill cannot go on; why is already a finding in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`tell` takes progress lines for people; everything that counts goes into the journal."""

    plan: Plan
    run: RunFolder
    journal: Journal
    cleanup: Cleanup
    tell: Tell

    def report(self, finding: Finding) -> None:
        self.journal.append("finding", **finding.model_dump(mode="json"))

    def conclude(self, room: Room, verdicts: tuple[Verdict, ...]) -> Verdict:
        """Journal the status of a room that came to its end. Nothing seen is inconclusive."""
        verdict = worst(verdicts)
        self.journal.append("status", room=room, status=Status(verdict))
        return verdict

    @contextlib.contextmanager
    def room(self, room: Room) -> Iterator[None]:
        """A named error inside ends the drill: failed if it is the backup's, else inconclusive."""
        try:
            yield
        except NamedError as error:
            self.report(finding_of(error))
            if room in _WITH_STATUS:
                failed = isinstance(error, RecoveryFailed)
                status = Status.FAILED if failed else Status.INCONCLUSIVE
                self.journal.append("status", room=room, status=status)
            raise DrillEnded from error
