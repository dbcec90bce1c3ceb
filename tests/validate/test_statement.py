"""SQL of a `query` check, judged before there is a server."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from drillctl.validate.checks.query import SPEC
from drillctl.validate.statement import one_reading_statement


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "  SELECT 1 ;; ",
        "with x as (select 1) table x",
        "(select 1) union (select 2)",
        "values (1)",
        "show server_version",
        "-- first; a word\nselect 1",
        "/* a; b */ select 1",
        "select ';'",
        """select E'it\\'s; odd' , ';'';' from "a;b" """,
        "select $$ ; $$, $x$ ; $$ $x$",
        "select 1 -- at the end; of it",
    ],
)
def test_one_statement_that_reads(sql: str) -> None:
    assert one_reading_statement(sql)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("", "empty"),
        (" -- nothing\n", "empty"),
        ("delete from t", "begins with `delete`"),
        ("copy t to program 'x'", "begins with `copy`"),
        ("do $$begin end$$", "begins with `do`"),
        ("selectx", "begins with `selectx`"),
        ("; select 1", "begins with `;`"),
        ("select 1; drop table t", "more than one"),
        ("select 1; -- x\n;select 2", "more than one"),
        ("select '''; drop table t", "more than one"),
    ],
)
def test_anything_else_is_refused(sql: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        one_reading_statement(sql)


@pytest.mark.parametrize(
    "expect",
    [
        None,
        "nothing",
        {},
        {"value": 1, "rows": 2},
        {"rows": -1},
        {"rows": {"min": 0}},
        {"rows": {}},
        {"rows": {"min": 3, "max": 2}},
        {"range": [2, 1]},
        {"range": [1, "2026-01-01"]},
        {"range": [1]},
    ],
)
def test_expectation_that_compares_nothing_is_refused(expect: object) -> None:
    with pytest.raises(ValidationError):
        SPEC.model_validate({"sql": "select 1", "expect": expect})


def test_expect_is_required() -> None:
    with pytest.raises(ValidationError, match="expect"):
        SPEC.model_validate({"sql": "select 1"})
