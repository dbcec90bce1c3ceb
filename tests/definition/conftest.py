"""A small vocabulary of our own, and a place for drill files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, model_validator

from drillctl.definition.load import load_drill
from drillctl.definition.units import Duration
from drillctl.definition.vocabulary import Spec, Vocabulary
from drillctl.errors import DefinitionError, Problem

Problems = Callable[..., tuple[Problem, ...]]
Write = Callable[..., Path]


class Bounds(Spec):
    least: int | None = Field(None, alias="min", description="the fewest")
    most: int | None = Field(None, alias="max", description="the most")


class Counts(Spec):
    tables: dict[str, int | Bounds] = Field(default_factory=dict, description="rows by table")
    min_total: int | None = Field(None, description="rows of all tables")

    @model_validator(mode="after")
    def _comparable(self) -> Counts:
        if not self.tables and self.min_total is None:
            raise ValueError("there is nothing to compare with: write `tables` or `min_total`")
        return self


class ValueIs(Spec):
    value: int | str = Field(description="the value")


class Rows(Spec):
    rows: int | Bounds = Field(description="how many rows")


class InRange(Spec):
    range: tuple[int, int] = Field(description="the least and the most")


class Query(Spec):
    sql: str = Field(description="what to ask")
    expect: Literal["empty"] | ValueIs | InRange | Rows | bool = Field(description="what to expect")


class Freshness(Spec):
    """How old the newest row is."""

    table: str = Field(description="the table")
    max_age: Duration = Field(description="how old it may be")


class Named(Spec):
    name: str = Field(description="a name of its own")


class ForeignKeys(Spec):
    """Every reference finds its row."""


class Dump(Spec):
    database: str | None = Field(None, description="which database of the dump")


class Continuous(Spec):
    """An engine that can stop anywhere."""

    stops = ("latest", "immediate", "time", "lsn", "name", "xid")
    stanza: str = Field(description="the stanza")


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary(
        checks={
            "row_counts": Counts,
            "query": Query,
            "freshness": Freshness,
            "named": Named,
            "foreign_keys": ForeignKeys,
        },
        engines={"pg_dump": Dump, "continuous": Continuous},
        providers=("docker", "process"),
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of a project that has an environment `lab`; returns its path."""
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "lab.yaml").write_text("name: lab\nkind: lab\nbackups: {every: 10s}\n")
    (tmp_path / "drills").mkdir()

    def write(text: str | bytes, name: str = "drills/a.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def problems(write: Write, vocabulary: Vocabulary) -> Problems:
    """The problems of a drill with this text; it must have some."""

    def problems(text: str | bytes) -> tuple[Problem, ...]:
        with pytest.raises(DefinitionError) as caught:
            load_drill(write(text), vocabulary)
        assert caught.value.problems
        return caught.value.problems

    return problems


@pytest.fixture
def right() -> str:
    """A drill without a mistake that uses every key."""
    return RIGHT


RIGHT = """\
name: ledger-restore
service: ledger
tier: 1
owner: payments-platform
severity: P1
objectives: {rto: 15m, rpo: 5m}
environment: lab
schedule: "0 3 * * SUN"
restore:
  engine: pg_dump
  from: ../backups
  select: latest
  recovery_target: {stop: latest, value: null}
  backup_interval: 1m
  database: ledger
sandbox: {provider: docker, image: "postgres:17", cpus: 2, memory: 4GiB, timeout: 30m}
validate:
  - foreign_keys
  - freshness: {table: transfers, max_age: 5m, deadline: 20s, name: fresh}
  - row_counts: {tables: {accounts: 20000, entries: {min: 1, max: 9}}, min_total: 1}
  - query:
      name: no negative balances
      sql: select id from accounts where balance < 0
      expect: empty
  - query: {sql: select 1, expect: {value: 1}}
  - query: {sql: select 2, expect: {range: [1, 3]}}
  - named: {name: own}
"""
