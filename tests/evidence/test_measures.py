"""RTA, RPA and phases, derived from marks alone: present, absent, odd."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from drillctl.evidence.facts import BackupFacts, Loss, Mark
from drillctl.evidence.measures import PHASES, judge_rpo, judge_rto, phases_of
from drillctl.evidence.verdict import Verdict

BEGAN = datetime(2026, 11, 24, 5, tzinfo=UTC)


def marks(**seconds: float) -> tuple[Mark, ...]:
    return tuple(
        Mark(name=name, at=BEGAN + timedelta(seconds=at), elapsed_seconds=at)
        for name, at in seconds.items()
    )


def backup(consistent: float | None) -> BackupFacts:
    return BackupFacts(
        engine="pg_dump",
        label="a.dump",
        location="/b",
        format="custom",
        size_bytes=1,
        consistent_at=None if consistent is None else BEGAN + timedelta(seconds=consistent),
        consistent_at_method="the archive's own date" if consistent is not None else "no date",
    )


WHOLE = marks(declared=10, backup_chosen=11, provisioned=14, restored=30, checked=40, validated=40)


def test_rta_is_declared_to_validated() -> None:
    rto = judge_rto(WHOLE, 60, ended=99)
    assert (rto.actual_seconds, rto.at_least_seconds) == (30, None)
    assert rto.verdict == Verdict.PASSED


def test_an_objective_met_exactly_is_met_and_one_missed_by_a_hair_is_missed() -> None:
    assert judge_rto(WHOLE, 30, ended=99).verdict == Verdict.PASSED
    assert judge_rto(WHOLE, 29.999, ended=99).verdict == Verdict.FAILED


def test_without_validated_the_rta_is_a_lower_bound_and_never_a_pass() -> None:
    rto = judge_rto(WHOLE[:-1], 60, ended=99)
    assert (rto.actual_seconds, rto.at_least_seconds) == (None, 30)
    assert rto.verdict == Verdict.INCONCLUSIVE


def test_a_lower_bound_over_the_objective_is_a_miss() -> None:
    assert judge_rto(WHOLE[:-1], 20, ended=99).verdict == Verdict.FAILED


def test_teardown_does_not_count_into_a_lower_bound() -> None:
    cut = marks(declared=10, backup_chosen=11, teardown_began=12)
    assert judge_rto(cut, 60, ended=500).at_least_seconds == 2


def test_a_killed_drill_had_run_until_its_last_fact() -> None:
    assert judge_rto(marks(declared=10), 60, ended=25).at_least_seconds == 15


def test_nothing_declared_measures_nothing() -> None:
    rto = judge_rto((), 60, ended=25)
    assert (rto.actual_seconds, rto.at_least_seconds) == (None, None)
    assert rto.verdict == Verdict.INCONCLUSIVE


def test_rpa_is_disaster_minus_recovery_point() -> None:
    rpo = judge_rpo(marks(disaster=9, declared=10, restored=30), 60, backup(4), None)
    assert rpo.actual_seconds == 5
    assert rpo.verdict == Verdict.PASSED
    assert "the archive's own date" in rpo.method


def test_without_a_lab_the_disaster_is_the_declaration() -> None:
    assert judge_rpo(marks(declared=10, restored=30), 60, backup(4), None).actual_seconds == 6


@pytest.mark.parametrize(
    ("made", "chosen", "why"),
    [
        (marks(declared=10), backup(4), "nothing was restored"),
        (marks(declared=10, restored=30), None, "nothing was restored"),
        (marks(restored=30), backup(4), "nothing was restored"),
        (marks(declared=10, restored=30), backup(None), "no date"),
        (marks(declared=10, restored=30), backup(11), "check the clocks"),
    ],
)
def test_an_rpa_that_cannot_be_known_is_inconclusive_and_says_why(
    made: tuple[Mark, ...], chosen: BackupFacts | None, why: str
) -> None:
    rpo = judge_rpo(made, 60, chosen, None)
    assert rpo.actual_seconds is None
    assert rpo.verdict == Verdict.INCONCLUSIVE
    assert why in rpo.method


def test_a_missed_rpo_fails() -> None:
    made = marks(disaster=9, declared=10, restored=30)
    assert judge_rpo(made, 4.9, backup(4), None).verdict == Verdict.FAILED


def test_losses_are_repeated_as_counted() -> None:
    loss = Loss(
        acknowledged=10,
        survived=7,
        lost=3,
        unacked_survived=0,
        duplicated=0,
        lost_amounts={"EUR": Decimal("12.30")},
        first_lost_at=None,
        last_survived_at=None,
        last_acknowledged_at=None,
        recovered_rows=7,
        reconciles=True,
    )
    rpo = judge_rpo(marks(declared=10, restored=30), 60, backup(4), loss)
    assert rpo.lost_writes == 3
    assert rpo.lost_amounts == {"EUR": Decimal("12.30")}
    assert judge_rpo((), 60, None, None).lost_writes is None


def test_phases_are_what_lies_between_their_marks() -> None:
    phases = phases_of(WHOLE, ended=99)
    assert [(phase.name, phase.began_seconds, phase.seconds) for phase in phases] == [
        ("choose backup", 10, 1),
        ("provision", 11, 3),
        ("restore", 14, 16),
        ("validate", 30, 10),
    ]
    assert all(phase.finished and phase.counts for phase in phases)


def test_the_phase_where_a_drill_stopped_is_shown_unfinished() -> None:
    *_, last = phases_of(WHOLE[:3], ended=20)
    assert (last.name, last.seconds, last.finished) == ("restore", 6, False)
    torn = (*WHOLE[:3], *marks(teardown_began=17, torn_down=19))
    restore = next(phase for phase in phases_of(torn, ended=20) if phase.name == "restore")
    assert (restore.seconds, restore.finished) == (3, False)


def test_for_any_marks_no_duration_is_negative_and_phases_that_count_add_up() -> None:
    """Marks of a real drill are made in order; how far it came and how long it took is random."""
    numbers = random.Random(20261124)
    order = ("declared", "backup_chosen", "provisioned", "restored", "checked", "validated")
    for _ in range(500):
        reached = numbers.randrange(len(order) + 1)
        times = sorted(numbers.uniform(0, 4000) for _ in range(reached + 2))
        made = marks(**dict(zip(order[:reached], times, strict=False)))
        if numbers.random() < 0.5:
            made = (*made, *marks(teardown_began=times[-2]))
        objective = numbers.choice([None, numbers.uniform(0, 4000)])
        rto = judge_rto(made, objective, ended=times[-1])
        phases = phases_of(made, times[-1])
        assert all(phase.seconds >= 0 for phase in phases)
        assert (rto.actual_seconds is None) == (reached < len(order))
        spent = rto.actual_seconds if rto.actual_seconds is not None else rto.at_least_seconds
        if rto.verdict == Verdict.PASSED:
            assert rto.actual_seconds is not None and objective is not None
            assert rto.actual_seconds <= objective
        if rto.verdict == Verdict.FAILED:
            assert spent is not None and objective is not None and spent >= objective - 0.001
        counted = sum(phase.seconds for phase in phases if phase.counts)
        if spent is not None and reached >= 5:
            gap = times[5] - times[4] if reached == 6 else 0
            assert counted == pytest.approx(spent - gap, abs=0.01)


def test_every_phase_has_two_marks_of_its_own() -> None:
    names = [name for name, *_ in PHASES]
    assert len(set(names)) == len(names)
    assert all(begin != end for _, begin, end, _, _ in PHASES)
