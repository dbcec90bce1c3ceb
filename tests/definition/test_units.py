from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from drillctl.definition.units import (
    format_duration,
    format_size,
    parse_duration,
    parse_rate,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("1h30m", 5400), ("500ms", 0.5), ("2d", 172800), ("1.5h", 5400)],
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "raw",
    [15, 1.5, True, None, [], {}, "", "15", "15 m", "15:00", "5 minutes", "m", "-5m", "1h-2m"],
)
def test_everything_else_is_no_duration(raw: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(raw)


@pytest.mark.parametrize("raw", ["5M", "\u0665m", "9" * 70 + "s", "99999999999999w"])
def test_what_looks_like_a_duration(raw: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(raw)


def test_a_wrong_duration_says_how_to_write_it() -> None:
    with pytest.raises(ValueError, match="90s, 15m, 1h30m or 2d"):
        parse_duration(15)


@pytest.mark.parametrize(
    ("text", "count"), [("4GiB", 4 << 30), ("512MB", 512 * 10**6), ("1.5KiB", 1536), ("7 B", 7)]
)
def test_sizes(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("raw", [4, True, None, "", "4", "4G", "4gib", "4iB", "GiB", "9" * 400])
def test_everything_else_is_no_size(raw: Any) -> None:
    with pytest.raises(ValueError, match="512MiB or 4GiB"):
        parse_size(raw)


@pytest.mark.parametrize(("raw", "rate"), [(50, 50.0), (0.5, 0.5), ("50/s", 50.0)])
def test_rates(raw: Any, rate: float) -> None:
    assert parse_rate(raw) == rate


@pytest.mark.parametrize("raw", ["50", "50/m", True, None, [], "50 /s"])
def test_everything_else_is_no_rate(raw: Any) -> None:
    with pytest.raises(ValueError, match="50/s"):
        parse_rate(raw)


def test_what_is_formatted_can_be_read_again() -> None:
    for text in ("90ms", "4.2s", "15m", "1h30m", "2d"):
        assert format_duration(parse_duration(text)) == text
    assert format_size(4 << 30) == "4.0 GiB"


def test_words_for_units_cost_no_pydantic() -> None:
    """Whoever shows a run imports them, and the command line answers within 150 ms."""
    script = "import sys, drillctl.definition.units; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "False"
