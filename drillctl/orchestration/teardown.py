"""Teardown always runs, is recorded, and is proved: destroyed means looked for and not found."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from drillctl.errors import DrillctlError
from drillctl.evidence.facts import Finding, Room, Severity, Teardown
from drillctl.evidence.journal import Entry, Journal
from drillctl.evidence.verdict import Status, Verdict
from drillctl.interrupt import shielded

Destroy = Callable[[], tuple[str, ...]]
"""Removes one thing and returns what is left of it; raises when it could not look."""


class Cleanup:
    """Things to destroy, last made first, whatever happens. An interruption waits.

    A side effect that the journal says was intended and never says was undone counts as not looked
    for: what failed while it was made, and could not be removed then, has nobody to destroy it.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._things: list[tuple[str, Destroy]] = []
        self._open: dict[tuple[str, str], None] = {}
        journal.listen(self._note)

    def after(self, name: str, destroy: Destroy) -> None:
        self._things.append((name, destroy))

    def _note(self, entry: Entry) -> None:
        if entry.kind == "effect_intended":
            self._open[entry.data["effect"], entry.data["name"]] = None
        elif entry.kind == "effect_undone":
            self._open.pop((entry.data["effect"], entry.data["name"]), None)

    def __enter__(self) -> Cleanup:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with shielded():
            self._run()

    def _run(self) -> None:
        self._journal.mark("teardown_began")
        left: list[str] = []
        blind: list[str] = []
        for name, destroy in reversed(self._things):
            try:
                left += destroy()
            except DrillctlError as error:
                blind.append(f"{name}: {error.message}")
            except Exception as error:  # one thing's failure must not save the others
                blind.append(f"{name}: {type(error).__name__}")
        if not left and not blind:
            blind = [f"{kind} {name}: not known to be gone" for kind, name in self._open]
        self._journal.mark("torn_down")
        self._report(tuple(left), tuple(blind))

    def _report(self, left: tuple[str, ...], blind: tuple[str, ...]) -> None:
        destroyed = False if left else (None if blind else True)
        teardown = Teardown(destroyed=destroyed, left=left, detail="; ".join(blind))
        self._journal.append("teardown", **teardown.model_dump(mode="json"))
        status = {True: Status.PASSED, None: Status.INCONCLUSIVE, False: Status.FAILED}[destroyed]
        self._journal.append("status", room=Room.CLEANUP, status=status)
        if destroyed is not True:
            finding = _finding(left, blind)
            self._journal.append("finding", **finding.model_dump(mode="json"))


def _finding(left: tuple[str, ...], blind: tuple[str, ...]) -> Finding:
    return Finding(
        id="cleanup.left_behind" if left else "cleanup.unproved",
        room=Room.CLEANUP,
        severity=Severity.CRITICAL,
        title="something of this drill is still there"
        if left
        else "could not look whether everything of this drill is gone",
        expected="nothing left",
        observed=", ".join(left) or "; ".join(blind),
        hint="run `drillctl sweep`; the copy may hold production data",
        verdict=Verdict.FAILED if left else Verdict.INCONCLUSIVE,
    )
