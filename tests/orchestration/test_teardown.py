"""Teardown runs whatever happens, goes through everything, and says what it saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.errors import Interrupted, SandboxError
from drillctl.evidence.journal import Journal, read_journal
from drillctl.interrupt import interrupt
from drillctl.orchestration.teardown import Cleanup


def _facts(path: Path, kind: str) -> list[dict[str, object]]:
    return [entry.data for entry in read_journal(path).entries if entry.kind == kind]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def _raising(error: Exception) -> Callable[[], tuple[str, ...]]:
    def destroy() -> tuple[str, ...]:
        raise error

    return destroy


def test_last_made_is_destroyed_first_and_gone_is_a_pass(journal: Journal) -> None:
    seen: list[str] = []
    with Cleanup(journal) as cleanup:
        cleanup.after("lab", lambda: seen.append("lab") or ())  # type: ignore[func-returns-value]
        cleanup.after("sandbox", lambda: seen.append("sandbox") or ())  # type: ignore[func-returns-value]
    assert seen == ["sandbox", "lab"]
    assert _facts(journal.path, "teardown")[0]["destroyed"] is True
    assert _facts(journal.path, "status") == [{"room": "cleanup", "status": "passed"}]
    assert _facts(journal.path, "finding") == []


@pytest.mark.parametrize(
    ("destroy", "destroyed", "finding", "verdict"),
    [
        (lambda: ("container x",), False, "cleanup.left_behind", "failed"),
        (
            _raising(SandboxError("sandbox.engine_lost", "no engine")),
            None,
            "cleanup.unproved",
            "inconclusive",
        ),
        (_raising(ZeroDivisionError()), None, "cleanup.unproved", "inconclusive"),
    ],
)
def test_left_behind_fails_and_not_looked_is_inconclusive(
    journal: Journal,
    destroy: Callable[[], tuple[str, ...]],
    destroyed: bool | None,
    finding: str,
    verdict: str,
) -> None:
    reached: list[str] = []
    with Cleanup(journal) as cleanup:
        cleanup.after("first", lambda: reached.append("first") or ())  # type: ignore[func-returns-value]
        cleanup.after("second", destroy)
    assert reached == ["first"], "one thing's failure must not save the others"
    assert _facts(journal.path, "teardown")[0]["destroyed"] is destroyed
    (found,) = _facts(journal.path, "finding")
    assert (found["id"], found["verdict"]) == (finding, verdict)


def test_an_interruption_waits_until_teardown_is_over(journal: Journal) -> None:
    seen: list[str] = []

    def stop_here() -> tuple[str, ...]:
        interrupt("stopped by SIGINT")
        seen.append("went on")
        return ()

    with pytest.raises(Interrupted), Cleanup(journal) as cleanup:
        cleanup.after("one", lambda: seen.append("one") or ())  # type: ignore[func-returns-value]
        cleanup.after("two", stop_here)
    assert seen == ["went on", "one"]
    assert _facts(journal.path, "teardown")[0]["destroyed"] is True
