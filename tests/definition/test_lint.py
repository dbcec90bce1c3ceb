"""Files and folders: every file is judged, and none is hidden by another."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from drillctl.definition.lint import lint
from drillctl.definition.vocabulary import Vocabulary

Write = Callable[..., Path]


def names(linted: tuple[tuple[Path, tuple[object, ...]], ...]) -> list[tuple[str, int]]:
    return [(file.name, len(problems)) for file, problems in linted]


def test_a_folder_is_searched(
    write: Write, vocabulary: Vocabulary, right: str, tmp_path: Path
) -> None:
    write(right, "drills/right.yaml")
    write(right, "drills/deep/right.yml")
    write("name: [", "drills/broken.yaml")
    write(right.replace("tier: 1", "teir: 1"), "drills/wrong.yaml")
    write("services: {}\n", "drills/neither.yaml")
    write("no yaml", "drills/readme.md")
    write("hidden: 1\n", ".github/workflow.yaml")
    found = lint([tmp_path], vocabulary)
    assert names(found) == [
        ("broken.yaml", 1),
        ("neither.yaml", 1),
        ("right.yaml", 0),
        ("wrong.yaml", 1),
        ("right.yml", 0),
        ("lab.yaml", 0),
    ]
    assert "neither a drill nor an environment" in found[1][1][0].message


def test_what_is_not_there_is_a_problem(vocabulary: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    missing, empty, nul = lint(
        [tmp_path / "nothing.yaml", tmp_path / "empty", Path("a\0b")], vocabulary
    )
    assert "no such file" in missing[1][0].message
    assert "no *.yaml" in empty[1][0].message
    assert "NUL" in nul[1][0].message
    assert lint([], vocabulary) == ()


def test_a_file_that_is_named_twice_is_judged_once(
    write: Write, vocabulary: Vocabulary, right: str
) -> None:
    path = write(right)
    assert names(lint([path, path.parent, path], vocabulary)) == [("a.yaml", 0)]


def test_a_named_file_may_be_called_anything(
    write: Write, vocabulary: Vocabulary, right: str
) -> None:
    assert names(lint([write(right, "drills/a.drill")], vocabulary)) == [("a.drill", 0)]


def test_an_environments_problems_are_listed_once(
    write: Write, vocabulary: Vocabulary, right: str, tmp_path: Path
) -> None:
    drill = write(right)
    lab = write("name: lab\nkind: lab\nzzz: 1\n", "environments/lab.yaml")
    (alone,) = lint([drill], vocabulary)
    assert [problem.file for problem in alone[1]] == [str(lab)]
    first, second = lint([tmp_path], vocabulary)
    assert [problem.message for problem in first[1]] == [
        f"the environment of this drill is wrong: see {lab}"
    ]
    assert [problem.file for problem in second[1]] == [str(lab)]


def test_paths_are_said_as_they_were_written(
    write: Write, vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("name: lab\nkind: lab\nzzz: 1\n", "environments/lab.yaml")
    monkeypatch.chdir(tmp_path)
    (found,) = lint([Path("environments")], vocabulary)
    assert str(found[1][0]).startswith("environments/lab.yaml:3:1: `zzz` is not a key")


def test_a_usual_file_is_linted_at_once(write: Write, vocabulary: Vocabulary, right: str) -> None:
    path = write(right)
    times = []
    for _ in range(5):
        begin = time.process_time()
        lint([path], vocabulary)
        times.append(time.process_time() - begin)
    assert min(times) < 0.05
