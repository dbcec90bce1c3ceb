"""Names of tables as people write them, and bounds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from drillctl.validate.bounds import Bounds, holds, in_words
from drillctl.validate.names import shown, split_name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("accounts", (None, "accounts")),
        ("App.Accounts", ("App", "Accounts")),
        ('"a.b"."c""d"', ("a.b", 'c"d')),
        ('app."odd name"', ("app", "odd name")),
        ("naïve%table", (None, "naïve%table")),
        ("new\nline", (None, "new\nline")),
    ],
)
def test_names_split(text: str, parts: tuple[str | None, str]) -> None:
    assert split_name(text) == parts


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a.b.c", '"a', 'a"b', '""', '"a"b', "a..b"])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a table"):
        split_name(text)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("accounts", "accounts"),
        ("größe", "größe"),
        ("a b", '"a b"'),
        ('a"b', '"a""b"'),
        ("red\x1b[31m", '"red\\x1b[31m"'),
        ("new\nline", '"new\\x0aline"'),
        ("1", '"1"'),
    ],
)
def test_odd_names_stay_on_their_line(name: str, told: str) -> None:
    assert shown(name) == told


def test_bounds() -> None:
    between = Bounds(min=2, max=3)
    assert [holds(between, count) for count in (1, 2, 3, 4)] == [False, True, True, False]
    assert holds(0, 0)
    assert not holds(0, 1)
    assert in_words(between) == "between 2 and 3"
    assert in_words(Bounds(max=5, min=None)) == "at most 5"
    assert in_words(7) == "7"


@pytest.mark.parametrize("raw", [{}, {"min": 0}, {"min": 2, "max": 1}, {"max": -1}, {"min": True}])
def test_bounds_that_cannot_fail_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Bounds.model_validate(raw)
