"""The verdict algebra: each single fact that spoils a clean drill spoils it, and nothing else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.evidence.assemble import assemble
from drillctl.evidence.facts import Teardown
from drillctl.evidence.journal import read_journal
from drillctl.evidence.record import DrillRecord
from drillctl.evidence.verdict import Status, Verdict, worse_status, worst
from tests.debrief.examples import (
    EXAMPLES,
    Teller,
    begin,
    loss_facts,
    lost_production,
    passed,
    passing_checks,
    restored,
    torn_down,
)

Spoil = Callable[[Teller], object]


def a_drill(folder: Path, spoil: Spoil | None = None) -> DrillRecord:
    """A clean drill with `spoil` told just before its teardown."""
    teller = restored(lost_production(begin(folder)))
    passing_checks(teller.at(41.0)).mark("checked").mark("validated").status(validate="passed")
    if spoil is not None:
        spoil(teller)
    return torn_down(teller, 42.7).record()


def test_a_clean_drill_passes(tmp_path: Path) -> None:
    record = a_drill(tmp_path)
    assert record.verdict == Verdict.PASSED
    assert record.rto.verdict == record.rpo.verdict == Verdict.PASSED
    assert record.sandbox is not None and record.sandbox.destroyed is True


def say_finding(verdict: str) -> Spoil:
    return lambda teller: teller.finding("restore.x", "minor", verdict, "a title")


SPOILS: dict[str, tuple[Spoil, str]] = {
    "a failed check": (lambda t: t.check("a", "query", "failed", "1", "2"), "failed"),
    "an undecided check": (
        lambda t: t.check("a", "query", "inconclusive", "1", "?"),
        "inconclusive",
    ),
    "a failed finding": (say_finding("failed"), "failed"),
    "an inconclusive finding": (say_finding("inconclusive"), "inconclusive"),
    "a note": (say_finding("passed"), "passed"),
    "restore failed": (lambda t: t.status(restore="failed"), "failed"),
    "drift inconclusive": (lambda t: t.status(drift="inconclusive"), "inconclusive"),
    "cutover not run": (lambda t: t.status(cutover="not_run"), "passed"),
    "a ledger that does not reconcile": (
        lambda t: t.fact(loss_facts(reconciles=False)),
        "inconclusive",
    ),
    "a ledger that reconciles": (lambda t: t.fact(loss_facts()), "passed"),
    "closed as interrupted": (lambda t: t.say("run_closed", outcome="interrupted"), "inconclusive"),
    "closed as crashed": (lambda t: t.say("run_closed", outcome="crashed"), "inconclusive"),
    "cleanup failed first": (lambda t: t.status(cleanup="failed"), "failed"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_one_fact_decides(name: str, tmp_path: Path) -> None:
    spoil, verdict = SPOILS[name]
    assert a_drill(tmp_path, spoil).verdict == Verdict(verdict)


def test_a_later_success_does_not_undo_a_failure(tmp_path: Path) -> None:
    record = a_drill(
        tmp_path, lambda teller: teller.status(validate="failed").status(validate="passed")
    )
    assert record.statuses.validate_ == Status.FAILED


@pytest.mark.parametrize("destroyed", [None, False])
def test_a_sandbox_not_proved_gone_is_no_pass_even_if_a_status_says_so(
    destroyed: bool | None, tmp_path: Path
) -> None:
    teller = restored(lost_production(begin(tmp_path)))
    passing_checks(teller.at(41.0)).mark("checked").mark("validated").status(validate="passed")
    teller.fact(Teardown(destroyed=destroyed)).status(cleanup="passed")
    record = teller.say("run_closed", outcome="finished").record()
    assert record.verdict == Verdict.INCONCLUSIVE


def test_nothing_checked_is_not_a_pass(tmp_path: Path) -> None:
    teller = restored(lost_production(begin(tmp_path)))
    teller.mark("checked").mark("validated").status(validate="passed")
    assert torn_down(teller, 42.0).record().verdict == Verdict.INCONCLUSIVE


@pytest.mark.parametrize("room", ["restore", "validate", "cleanup"])
def test_a_needed_room_that_never_came_to_a_result_is_not_a_pass(room: str, tmp_path: Path) -> None:
    source = tmp_path / "whole"
    source.mkdir()
    passed(source)
    kept = [
        entry
        for entry in read_journal(source / "journal.jsonl").entries
        if not (entry.kind == "status" and entry.data["room"] == room)
    ]
    teller = begin(tmp_path)
    for entry in kept[1:]:
        teller.at(entry.elapsed).say(entry.kind, **entry.data)
    record = teller.record()
    assert dict(record.statuses.items())[room] == Status.NOT_RUN
    assert record.verdict == Verdict.INCONCLUSIVE


def test_objectives_that_are_not_set_cannot_be_missed(tmp_path: Path) -> None:
    teller = restored(lost_production(begin(tmp_path, rto=None, rpo=None)))
    passing_checks(teller.at(41.0)).mark("checked").mark("validated").status(validate="passed")
    assert torn_down(teller, 42.0).record().verdict == Verdict.PASSED


@pytest.mark.parametrize(("rto", "rpo"), [(5, 300), (900, 5)])
def test_a_missed_objective_fails_the_drill(rto: float, rpo: float, tmp_path: Path) -> None:
    teller = restored(lost_production(begin(tmp_path, rto=rto, rpo=rpo)))
    passing_checks(teller.at(41.0)).mark("checked").mark("validated").status(validate="passed")
    assert torn_down(teller, 42.0).record().verdict == Verdict.FAILED


def test_a_drill_cut_after_any_entry_is_never_better_than_inconclusive(tmp_path: Path) -> None:
    """What a SIGKILL leaves: every prefix of a passing journal."""
    passed(tmp_path)
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    for count in range(1, len(lines)):
        cut.write_bytes(b"".join(lines[:count]))
        record = assemble(read_journal(cut))
        assert record.outcome == "interrupted", count
        assert record.verdict == Verdict.INCONCLUSIVE, count
        assert record.journal.entries == count
    assert assemble(read_journal(cut), alive=True).outcome == "running"
    assert assemble(read_journal(tmp_path / "journal.jsonl")).verdict == Verdict.PASSED


def test_a_broken_chain_is_never_a_pass(tmp_path: Path) -> None:
    passed(tmp_path)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes() + b"{}\n")
    record = assemble(read_journal(path))
    assert record.outcome == "finished"
    assert not record.journal.intact
    assert record.verdict == Verdict.INCONCLUSIVE


def test_a_failure_before_an_interruption_stays_a_failure(tmp_path: Path) -> None:
    teller = restored(lost_production(begin(tmp_path)))
    teller.check("a", "query", "failed", "1", "2")
    assert teller.record().verdict == Verdict.FAILED


def test_a_journal_without_its_opening_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.touch()
    with pytest.raises(ValueError, match="no opening entry"):
        assemble(read_journal(path))


@pytest.mark.parametrize("name", EXAMPLES)
def test_assembling_is_pure(name: str, tmp_path: Path) -> None:
    record = EXAMPLES[name](tmp_path)
    again = assemble(read_journal(tmp_path / "journal.jsonl"))
    assert again == record
    assert json.loads(again.to_json()) == json.loads(record.to_json())


def test_the_worst_wins_whatever_the_order() -> None:
    assert worst(()) == Verdict.INCONCLUSIVE
    for verdicts in itertools.product(Verdict, repeat=3):
        rank = [Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.FAILED]
        assert worst(verdicts) == max(verdicts, key=rank.index)
    for one, other in itertools.product(Status, repeat=2):
        assert worse_status(one, other) == worse_status(other, one)
        assert worse_status(one, Status.NOT_RUN) == one
