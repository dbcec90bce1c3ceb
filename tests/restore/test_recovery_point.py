"""The time that a dump writes about itself is local, without a zone, and sometimes wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillctl.evidence.verdict import Verdict
from drillctl.restore.engines.pg_dump.look import Look
from drillctl.restore.engines.pg_dump.recovery_point import recovery_point
from drillctl.restore.engines.pg_dump.sniff import Shape

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def a_look(
    created: datetime | None,
    *,
    form: str = "custom",
    modified: datetime = NOW,
    daylight: bool = False,
    zone: str = "",
) -> Look:
    return Look(
        path=Path("x"),
        shape=Shape(form=form),
        size=1,
        modified=modified.timestamp(),
        database="x",
        server="15.18",
        pg_dump="15.18",
        created=created,
        daylight=daylight,
        zone=zone,
    )


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "08:00"), ("Europe/Berlin", "07:00"), ("Asia/Kolkata", "02:30")],
)
def test_it_is_read_in_the_zone_of_the_host(zone: str, expected: str) -> None:
    moment, method, doubt = recovery_point(a_look(datetime(2026, 11, 24, 8, 0)), zone, NOW)
    assert doubt is None
    assert moment is not None
    assert moment.strftime("%H:%M") == expected
    assert zone in method


@pytest.mark.parametrize(("daylight", "expected"), [(True, 0), (False, 1)])
def test_the_hour_that_comes_twice_is_told_apart(daylight: bool, expected: int) -> None:
    created = datetime(2026, 10, 25, 2, 30)
    moment, _, _ = recovery_point(a_look(created, daylight=daylight), "Europe/Berlin", NOW)
    assert moment == datetime(2026, 10, 25, expected, 30, tzinfo=UTC)


def test_a_moment_in_the_future_is_not_believed() -> None:
    """A host at UTC+2 whose dump is read as UTC."""
    moment, _, doubt = recovery_point(a_look(datetime(2026, 11, 24, 11, 0)), "UTC", NOW)
    assert moment is None
    assert doubt is not None
    assert doubt.id == "restore.recovery_point_uncertain"
    assert doubt.verdict == Verdict.INCONCLUSIVE


def test_a_moment_after_the_file_was_written_is_not_believed() -> None:
    written = NOW - timedelta(hours=5)
    moment, _, doubt = recovery_point(
        a_look(datetime(2026, 11, 24, 6, 0), modified=written), "UTC", NOW
    )
    assert moment is None
    assert doubt is not None


def test_a_plain_dump_without_its_time_is_said_not_guessed() -> None:
    moment, method, doubt = recovery_point(a_look(None, form="plain"), "UTC", NOW)
    assert moment is None
    assert doubt is None
    assert "does not carry its time" in method


def test_a_plain_dump_that_names_utc_is_read_in_utc() -> None:
    look = a_look(datetime(2026, 11, 24, 8, 0), form="plain", zone="UTC")
    moment, _, _ = recovery_point(look, "Asia/Tokyo", NOW)
    assert moment == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
