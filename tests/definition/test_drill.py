"""A right drill file becomes a Drill."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from drillctl.definition.drill import Objectives, RecoveryTarget
from drillctl.definition.load import load_drill
from drillctl.definition.vocabulary import Vocabulary

Write = Callable[..., Path]

LEAST = """\
name: small
objectives: {rto: 20m}
restore: {engine: pg_dump, from: backups}
validate: [foreign_keys]
"""


def test_every_key_is_read(write: Write, vocabulary: Vocabulary, right: str) -> None:
    path = write(right)
    drill = load_drill(path, vocabulary)
    assert (drill.name, drill.service, drill.tier) == ("ledger-restore", "ledger", 1)
    assert (drill.owner, drill.severity) == ("payments-platform", "P1")
    assert drill.objectives == Objectives(rto=timedelta(minutes=15), rpo=timedelta(minutes=5))
    assert drill.schedule == "0 3 * * SUN"
    assert drill.restore.engine == "pg_dump"
    assert drill.restore.location == path.parent.parent / "backups"
    assert drill.restore.select == "latest"
    assert drill.restore.backup_interval == timedelta(minutes=1)
    assert drill.restore.options.model_dump() == {"database": "ledger"}
    assert (drill.sandbox.provider, drill.sandbox.image) == ("docker", "postgres:17")
    assert (drill.sandbox.cpus, drill.sandbox.memory) == (2, 4 << 30)
    assert drill.sandbox.timeout == timedelta(minutes=30)
    assert drill.environment is not None
    assert drill.environment.kind == "lab"
    assert drill.text == right
    assert drill.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_checks_keep_their_order_lines_names_and_deadlines(
    write: Write, vocabulary: Vocabulary, right: str
) -> None:
    checks = load_drill(write(right), vocabulary).checks
    assert [(check.kind, check.line) for check in checks] == [
        ("foreign_keys", 18),
        ("freshness", 19),
        ("row_counts", 20),
        ("query", 21),
        ("query", 25),
        ("query", 26),
        ("named", 27),
    ]
    names = ["", "fresh", "", "no negative balances", "", "", "own"]
    assert [check.name for check in checks] == names
    assert checks[0].deadline == timedelta(minutes=5)
    assert checks[1].deadline == timedelta(seconds=20)
    assert checks[6].spec.model_dump() == {"name": "own"}


def test_what_may_be_left_out_has_a_default(write: Write, vocabulary: Vocabulary) -> None:
    path = write(LEAST)
    drill = load_drill(path, vocabulary)
    assert (drill.service, drill.tier, drill.owner, drill.severity) == ("small", 3, "", "P3")
    assert drill.objectives.rpo is None
    assert drill.environment is None
    assert drill.schedule is None
    assert drill.restore.select == "latest"
    assert drill.restore.location == path.parent / "backups"
    assert drill.restore.recovery_target == RecoveryTarget(stop="latest", value=None)
    assert (drill.sandbox.provider, drill.sandbox.image) == ("auto", None)
    assert (drill.sandbox.cpus, drill.sandbox.memory) == (2, 2 << 30)
    assert drill.sandbox.timeout == timedelta(minutes=40), "twice the rto"
    short = write(LEAST.replace("20m", "1m"))
    assert load_drill(short, vocabulary).sandbox.timeout == timedelta(minutes=30)


def test_keys_without_a_value_are_as_if_left_out(write: Write, vocabulary: Vocabulary) -> None:
    text = LEAST + "service:\nenvironment:\nschedule: ~\nsandbox:\n"
    drill = load_drill(write(text), vocabulary)
    assert (drill.service, drill.environment, drill.schedule) == ("small", None, None)


@pytest.mark.parametrize("item", ["foreign_keys", "foreign_keys:", "foreign_keys: {}"])
def test_a_check_that_needs_nothing_is_its_name(
    item: str, write: Write, vocabulary: Vocabulary
) -> None:
    text = LEAST.replace("[foreign_keys]", f"\n  - {item}")
    (check,) = load_drill(write(text), vocabulary).checks
    assert (check.kind, check.line) == ("foreign_keys", 5)


def test_where_a_backup_is(write: Write, vocabulary: Vocabulary) -> None:
    path = write(LEAST.replace("from: backups", "from: /srv/backups/../dumps"))
    assert load_drill(path, vocabulary).restore.location == Path("/srv/dumps")
    path = write(LEAST.replace("from: backups", "from: ~/dumps"))
    assert load_drill(path, vocabulary).restore.location == Path.home() / "dumps"


def test_paths_are_absolute_wherever_one_stands(
    write: Write, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(LEAST.replace("validate", "environment: lab\nvalidate"))
    monkeypatch.chdir(path.parent)
    drill = load_drill(Path("a.yaml"), vocabulary)
    assert drill.path == path
    assert drill.restore.location == path.parent / "backups"
    assert drill.environment is not None
    assert drill.environment.path == path.parent.parent / "environments" / "lab.yaml"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{stop: immediate}", None),
        ("{stop: time, value: 2026-11-24T05:00:00Z}", "2026-11-24T05:00:00Z"),
        ('{stop: time, value: "2026-11-24 05:00:00+01:00"}', "2026-11-24 05:00:00+01:00"),
        ("{stop: lsn, value: 16/B374D848}", "16/B374D848"),
        ("{stop: name, value: before-deploy}", "before-deploy"),
        ("{stop: xid, value: 1234}", "1234"),
    ],
)
def test_an_engine_that_can_stop_anywhere_may_be_told_where(
    written: str, value: str | None, write: Write, vocabulary: Vocabulary
) -> None:
    text = LEAST.replace(
        "{engine: pg_dump, from: backups}",
        f"{{engine: continuous, stanza: main, from: backups, recovery_target: {written}}}",
    )
    assert load_drill(write(text), vocabulary).restore.recovery_target.value == value
