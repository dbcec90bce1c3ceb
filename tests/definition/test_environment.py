"""Environment files: a lab with all its defaults, a deployed one, and mistakes in both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from drillctl.definition.environment import BackupSchedule, Traffic
from drillctl.definition.load import load_environment
from drillctl.definition.vocabulary import Vocabulary
from drillctl.errors import DefinitionError, Problem

Write = Callable[..., Path]

LAB = """\
name: lab
kind: lab
postgres: {major: 17}
traffic: {rate: 60/s, clients: 8, seed: 1, accounts: 50, currencies: [EUR, JPY]}
backups: {engine: pg_dump, format: directory, every: 8s, keep: 3}
warm_up: 22s
"""


def test_a_lab(write: Write, vocabulary: Vocabulary) -> None:
    path = write(LAB, "environments/lab.yaml")
    lab = load_environment(path, vocabulary)
    assert (lab.path, lab.name, lab.kind, lab.postgres_major) == (path, "lab", "lab", 17)
    assert lab.traffic == Traffic(
        rate=60.0, clients=8, seed=1, accounts=50, currencies=("EUR", "JPY")
    )
    assert lab.backups == BackupSchedule(
        engine="pg_dump", format="directory", every=timedelta(seconds=8), keep=3, location=None
    )
    assert lab.warm_up == timedelta(seconds=22)


def test_a_lab_needs_only_a_name(write: Write, vocabulary: Vocabulary) -> None:
    lab = load_environment(write("name: lab\nkind: lab\n"), vocabulary)
    assert lab.postgres_major is None
    assert lab.traffic == Traffic(
        rate=50.0, clients=4, seed=7, accounts=500, currencies=("EUR", "USD", "GBP")
    )
    assert lab.backups == BackupSchedule(
        engine="pg_dump", format="custom", every=timedelta(seconds=10), keep=5, location=None
    )
    assert lab.warm_up == timedelta(seconds=25)


def test_a_deployed_environment(write: Write, vocabulary: Vocabulary) -> None:
    text = "name: dr\nkind: deployed\nbackups: {engine: pg_dump, every: 1d, location: dumps}\n"
    path = write(text, "environments/dr.yaml")
    found = load_environment(path, vocabulary)
    assert found.backups is not None
    assert found.backups.location == path.parent / "dumps"
    assert found.backups.every == timedelta(days=1)
    assert (found.traffic, found.warm_up) == (None, timedelta(0))
    assert load_environment(write("name: dr\nkind: deployed\n"), vocabulary).backups is None


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("kind: lab", "kind: labb", 2, "`kind` is 'labb'"),
        ("kind: lab\n", "", 1, "lacks `kind`"),
        ("kind: lab", "kind: deployed", 3, "`postgres` is not a key of a deployed environment"),
        ("traffic:", "trafic:", 4, "`trafic` is not a key of a lab environment"),
        ("rate: 60/s", "rate: 60/m", 4, "'60/m' is not a rate: write it as 50 or 50/s"),
        ("rate: 60/s", "rate: 0", 4, "`traffic.rate` is 0"),
        ("accounts: 50", "accounts: 11", 4, "2 currencies need at least 12 accounts"),
        ("EUR, JPY", "EUR, EUR", 4, "EUR stands here more than once"),
        ("EUR, JPY", "euro", 4, "is 'euro'"),
        ("EUR, JPY", "", 4, "`traffic.currencies` is a list"),
        ("engine: pg_dump", "engine: pgdump", 5, "'pgdump' is not a backup engine"),
        ("format: directory", "format: dir", 5, "`backups.format` is 'dir'"),
        ("every: 8s", "every: 8", 5, "8 is not a duration"),
        ("every: 8s", "every: 0s", 5, "longer than 0s"),
        ("keep: 3", "location: x", 5, "`location` is not a key of `backups`"),
        ("warm_up: 22s", "warm_up: soon", 6, "'soon' is not a duration"),
        ("major: 17", "major: '17'", 3, "`postgres.major` is '17'"),
        ("warm_up: 22s", "standby: {}", 6, "`standby` is not available in drillctl 0.1"),
        ("kind: lab", "restore: {}", 1, "this looks like a drill, not an environment"),
    ],
)
def test_mistakes(
    old: str, new: str, line: int, said: str, write: Write, vocabulary: Vocabulary
) -> None:
    assert old in LAB
    with pytest.raises(DefinitionError) as caught:
        load_environment(write(LAB.replace(old, new, 1)), vocabulary)
    found: tuple[Problem, ...] = caught.value.problems
    assert any(said in problem.message and problem.line == line for problem in found), found


def test_a_deployed_environment_says_how_often_it_is_backed_up(
    write: Write, vocabulary: Vocabulary
) -> None:
    with pytest.raises(DefinitionError, match="`backups` lacks `every`"):
        load_environment(
            write("name: dr\nkind: deployed\nbackups: {engine: pg_dump}\n"), vocabulary
        )
    text = "name: dr\nkind: deployed\nbackups: {engine: pg_dump, every: 1d, location: s3://a/b}\n"
    with pytest.raises(DefinitionError, match="`s3://` is not available"):
        load_environment(write(text), vocabulary)
