"""A secret in a file is found, never said again, and never where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.definition.load import load_drill, load_environment
from drillctl.definition.vocabulary import Vocabulary
from drillctl.errors import DefinitionError, Problem

Problems = Callable[..., tuple[Problem, ...]]
Write = Callable[..., Path]

SECRETS = (
    ("owner: payments-platform", "password: hunter2"),
    ("owner: payments-platform", "db_password: hunter2"),
    ("owner: payments-platform", "API-Key: hunter2"),
    ("database: ledger", "token: hunter2"),
    ("from: ../backups", "from: postgres://app:hunter2@db/ledger"),
    ("from: ../backups", "from: postgres://:hunter2@db/ledger"),
    ("from: ../backups", "from: postgres://db/ledger?password=hunter2"),
    ("owner: payments-platform", "owner: host=db password=hunter2"),
    ("select 2", "select dblink('postgres://app:hunter2@db')"),
    ("tier: 1", "tier: 1 # was postgres://app:hunter2@db/ledger"),
    ("owner: payments-platform", "owner: AKIAHUNTER2HUNTER222"),
)


@pytest.mark.parametrize(("old", "new"), SECRETS)
def test_a_secret_is_found_and_not_said_again(
    old: str, new: str, problems: Problems, right: str
) -> None:
    text = right.replace(old, new, 1)
    found = problems(text)
    line = text[: text.lower().index("hunter2")].count("\n") + 1
    secret = [problem for problem in found if "*_env" in problem.hint]
    assert [problem.line for problem in secret] == [line]
    assert "hunter2" not in "\n".join(map(str, found)).lower()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("accounts: 20000", "password: 20000"),
        ("accounts: 20000", "tokens: 20000"),
        ("database: ledger", "database: password"),
        ("select 2", "select 1 where password='x'"),
        ("select 2", "select a::text || '@' from b"),
        ("owner: payments-platform", "owner: pay@example.org"),
        ("owner: payments-platform", "owner: https://example.org:8080/a@b"),
        ("tier: 1", "tier: 1 # postgres://app:***@db/ledger"),
    ],
)
def test_what_is_no_secret(
    old: str, new: str, write: Write, vocabulary: Vocabulary, right: str
) -> None:
    load_drill(write(right.replace(old, new, 1)), vocabulary)


def test_an_environment_is_looked_at_too(write: Write, vocabulary: Vocabulary) -> None:
    path = write("name: a\nkind: lab\npassword: hunter2\n", "environments/a.yaml")
    with pytest.raises(DefinitionError) as caught:
        load_environment(path, vocabulary)
    assert "holds a secret" in str(caught.value)
    assert "hunter2" not in str(caught.value)
