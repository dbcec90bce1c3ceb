"""The one sentence: it names the worst reason, and never says more than was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillctl.debrief.figures import measures
from drillctl.debrief.headline import headline, reasons
from drillctl.debrief.order import checks_worst_first, findings_worst_first
from drillctl.evidence.verdict import Verdict
from tests.debrief.examples import EXAMPLES, begin, lost_production, passing_checks, restored, told


def test_a_pass_says_what_was_shown() -> None:
    record = told("passed")
    assert headline(record) == (
        "Restored and validated in 11.5s, within the 15m promised; "
        "8.5s of data lost of the 5m allowed; all 6 checks passed."
    )
    assert reasons(record) == ()


def test_a_failure_names_the_worst_finding_first() -> None:
    record = told("failed")
    assert headline(record) == "14 transfers do not balance to zero (and 6 more reasons)."
    assert reasons(record)[1:] == (
        "pg_restore reported 3 errors",
        "RTO missed: at least 13.7s against 10s",
        "RPO missed: 8.5s of data lost against 5s",
        "1 check failed: ledger balances to zero",
        "A check was stopped at its deadline",
        "1 check could not be decided: statement of accounts",
    )


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("interrupted", "interrupted during “choose backup”, so nothing is proved"),
        ("killed", "interrupted during “restore”, so nothing is proved"),
        ("empty", "The drill was interrupted, so nothing is proved"),
    ],
)
def test_an_unfinished_drill_says_where_it_stopped(name: str, phrase: str) -> None:
    assert phrase in headline(told(name))


@pytest.mark.parametrize("name", EXAMPLES)
def test_whatever_is_not_passed_has_a_reason(name: str) -> None:
    record = told(name)
    assert bool(reasons(record)) == (record.verdict != Verdict.PASSED)
    assert "\n" not in headline(record)
    assert headline(record).endswith((".", "…"))


def test_each_kind_of_doubt_is_told() -> None:
    doubts = " | ".join(reasons(told("killed")))
    for phrase in (
        "RTA could not be measured",
        "RPA was not measured: nothing was restored",
        "Nothing was checked",
        "sandbox was not proved to be gone",
        "Restore came to no result",
        "Cleanup came to no result",
    ):
        assert phrase in doubts


def test_a_crash_is_not_called_an_interruption(tmp_path: Path) -> None:
    teller = passing_checks(restored(lost_production(begin(tmp_path))))
    record = teller.say("run_closed", outcome="crashed").record()
    assert headline(record).startswith("drillctl itself crashed")


def test_a_measure_is_never_called_met_without_a_number() -> None:
    for name in EXAMPLES:
        for measure in measures(told(name)):
            if measure.actual is None:
                assert "met" not in measure.outcome
                assert measure.shown == "not measured" or measure.shown.startswith("at least ")
            if measure.objective is None:
                assert measure.verdict is None
                assert measure.outcome == "no objective set"


def test_the_worst_comes_first() -> None:
    record = told("huge")
    verdicts = [check.verdict for check in checks_worst_first(record)]
    rank = [Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.PASSED]
    assert verdicts == sorted(verdicts, key=rank.index)
    found = findings_worst_first(record)
    assert found[0].severity == "critical" and found[0].verdict == "failed"
    assert {each.id for each in found} == {each.id for each in record.findings}
