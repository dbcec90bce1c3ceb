"""What no part of a file is wrong about by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.definition.load import load_drill
from drillctl.definition.vocabulary import Vocabulary
from drillctl.errors import Problem

Problems = Callable[..., tuple[Problem, ...]]
Write = Callable[..., Path]

DRILL = """\
name: small
objectives: {rto: 20m, rpo: 5m}
restore:
  engine: pg_dump
  from: backups
validate: [foreign_keys]
"""


def test_an_rpo_shorter_than_the_environments_backup_interval(
    problems: Problems, tmp_path: Path
) -> None:
    (problem,) = problems(DRILL.replace("5m", "9s") + "environment: lab\n")
    assert (problem.line, problem.column) == (2, 29)
    lab = tmp_path / "environments" / "lab.yaml"
    assert "the rpo of 9s is shorter than the backup interval of 10s" in problem.message
    assert f"`backups.every`, {lab}:3" in problem.message


def test_an_rpo_shorter_than_the_drills_own_backup_interval(problems: Problems) -> None:
    (problem,) = problems(
        DRILL.replace("select", "").replace("from:", "backup_interval: 1h\n  from:")
    )
    assert "the rpo of 5m is shorter than the backup interval of 1h" in problem.message
    assert "`restore.backup_interval`" in problem.message
    assert ":5)" in problem.message


def test_an_rpo_as_long_as_the_interval_is_fine(write: Write, vocabulary: Vocabulary) -> None:
    load_drill(write(DRILL.replace("5m", "10s") + "environment: lab\n"), vocabulary)
    load_drill(write(DRILL.replace("from:", "backup_interval: 5m\n  from:")), vocabulary)


def test_a_sandbox_that_ends_before_the_rto_cannot_measure_a_miss(problems: Problems) -> None:
    (problem,) = problems(DRILL + "sandbox: {timeout: 19m}\n")
    assert (problem.line, problem.column) == (7, 20)
    assert "destroyed after 19m, before the rto of 20m" in problem.message


def test_nothing_to_restore(problems: Problems, write: Write) -> None:
    (problem,) = problems(DRILL.replace("  from: backups\n", ""))
    assert "the drill names no environment" in problem.message
    assert (problem.line, problem.column) == (3, 1)
    for backups in ("", "backups: {engine: pg_dump, every: 1m}\n"):
        write(f"name: dr\nkind: deployed\n{backups}", "environments/dr.yaml")
        (problem,) = problems(DRILL.replace("  from: backups\n", "") + "environment: dr\n")
        assert "does not say where backups are" in problem.message


def test_the_environment_supplies_the_location(write: Write, vocabulary: Vocabulary) -> None:
    write(
        "name: dr\nkind: deployed\nbackups: {engine: pg_dump, every: 1m, location: ../dumps}\n",
        "environments/dr.yaml",
    )
    path = write(DRILL.replace("  from: backups\n", "") + "environment: dr\n")
    assert load_drill(path, vocabulary).restore.location == path.parent.parent / "dumps"
    path = write(DRILL.replace("  from: backups\n", "") + "environment: lab\n")
    assert load_drill(path, vocabulary).restore.location is None, "the lab says it when it runs"


def test_backups_are_restored_by_the_engine_that_made_them(problems: Problems) -> None:
    text = DRILL.replace("  from: backups\n", "  stanza: main\n").replace("pg_dump", "continuous")
    (problem,) = problems(text + "environment: lab\n")
    assert (problem.line, problem.column) == (4, 11)
    assert "restores with continuous" in problem.message


def test_mistakes_of_the_environment_are_said_with_those_of_the_drill(
    problems: Problems, write: Write
) -> None:
    write("name: staging\nkind: lab\ntrafic: {}\n", "environments/stage.yaml")
    found = problems(DRILL.replace("small", "Small") + "environment: stage\n")
    assert [Path(problem.file).name for problem in found] == ["a.yaml", "stage.yaml", "stage.yaml"]
    assert [problem.line for problem in found] == [1, 1, 3]
    assert "called 'staging', its file 'stage'" in found[1].message


def test_a_broken_environment_file_is_not_a_missing_one(problems: Problems, write: Write) -> None:
    write("name: [\n", "environments/stage.yaml")
    (problem,) = problems(DRILL + "environment: stage\n")
    assert problem.file.endswith("environments/stage.yaml")


def test_an_environment_may_be_a_path(write: Write, vocabulary: Vocabulary) -> None:
    write("name: other\nkind: lab\n", "drills/here/x.yaml")
    path = write(DRILL + "environment: here/x.yaml\n")
    environment = load_drill(path, vocabulary).environment
    assert environment is not None
    assert environment.name == "other"


def test_the_nearest_folder_of_environments_is_meant(write: Write, vocabulary: Vocabulary) -> None:
    write("name: lab\nkind: lab\nwarm_up: 1s\n", "drills/deep/environments/lab.yaml")
    near = load_drill(write(DRILL + "environment: lab\n", "drills/deep/a.yaml"), vocabulary)
    far = load_drill(write(DRILL + "environment: lab\n", "drills/b/c/d.yaml"), vocabulary)
    assert near.environment is not None
    assert near.environment.warm_up.total_seconds() == 1
    assert far.environment is not None
    assert far.environment.warm_up.total_seconds() == 25


def test_no_folder_of_environments(
    problems: Problems, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "environments" / "lab.yaml").unlink()
    (problem,) = problems(DRILL + "environment: lab\n")
    assert "make environments/lab.yaml" in problem.hint
    (tmp_path / "environments").rmdir()
    (problem,) = problems(DRILL + "environment: lab\n")
    assert "no environment 'lab'" in problem.message
