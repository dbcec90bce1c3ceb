from __future__ import annotations

import pytest

from drillctl.definition.cron import parse_cron


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "0 3 * * SUN",
        "*/15 0-6 1,15 JAN-mar MON-FRI",
        "0 0 29 2 *",
        "59 23 31 12 7",
        "0 0 31 2 MON",
        "5/10 * * * *",
        "0-30/5 * * * *",
    ],
)
def test_right_schedules(text: str) -> None:
    assert parse_cron(text) == text


def test_spaces_are_evened_out() -> None:
    assert parse_cron(" 0  3 * *\tSUN ") == "0 3 * * SUN"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "five fields"),
        ("@daily", "five fields"),
        ("0 3 * * * *", "five fields"),
        ("60 3 * * *", "the minute '60'"),
        ("0 24 * * *", "the hour '24'"),
        ("0 0 0 * *", "the day of the month '0'"),
        ("0 0 * 13 *", "1 to 12 or JAN to DEC"),
        ("0 0 * * 8", "0 to 7 or SUN to SAT"),
        ("0 0 * * SUNDAY", "'SUNDAY'"),
        ("0 0 * FEBR *", "'FEBR'"),
        ("*/0 * * * *", "step"),
        ("*/61 * * * *", "step"),
        ("9-3 * * * *", "backwards"),
        ("1, * * * *", "minute"),
        ("-5 * * * *", "minute"),
        ("\u0665 * * * *", "minute"),
        ("*-5 * * * *", "minute"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 31 FEB,APR,JUN *", "never fires"),
        ("0 0 30 2 *", "never fires"),
        ("1," * 200 + "1 * * * *", "too long"),
    ],
)
def test_wrong_schedules(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|backwards|step") as caught:
        parse_cron(text)
    assert said in str(caught.value)
