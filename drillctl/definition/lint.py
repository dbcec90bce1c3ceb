"""Files and folders into the problems of each; one broken file does not hide the others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from drillctl.definition.document import Report
from drillctl.definition.load import load_drill, load_environment, open_report
from drillctl.definition.vocabulary import Vocabulary
from drillctl.definition.whereabouts import SUFFIXES
from drillctl.errors import DefinitionError, Problem

Linted = tuple[Path, tuple[Problem, ...]]


def lint(paths: Sequence[Path], vocabulary: Vocabulary) -> tuple[Linted, ...]:
    """Every file that was named or found, in order, with its problems: none when it is right.

    A folder is searched for *.yaml and *.yml, without hidden folders. The problems of an
    environment are listed once, at its own file if that is among them.
    """
    linted: dict[Path, Linted] = {}
    for path in paths:
        for file, trouble in _files(path):
            key = file.absolute()
            if key not in linted:
                linted[key] = (file, (trouble,) if trouble else _problems(file, vocabulary))
    named = {str(file) for file, _ in linted.values()}
    return tuple((file, _own(file, problems, named)) for file, problems in linted.values())


def _files(path: Path) -> Iterator[tuple[Path, Problem | None]]:
    try:
        folder = path.is_dir()
    except (OSError, ValueError):
        folder = False
    if not folder:
        yield path, None
        return
    refused: list[OSError] = []
    count = 0
    for where, folders, names in os.walk(path, onerror=refused.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                count += 1
                yield Path(where) / name, None
    for error in refused:
        file = str(error.filename or path)
        reason = (error.strerror or "unreadable").lower()
        yield Path(file), _whole(file, f"the folder cannot be read: {reason}")
    if not count and not refused:
        yield path, _whole(str(path), "there is no *.yaml or *.yml file in this folder")


def _problems(file: Path, vocabulary: Vocabulary) -> tuple[Problem, ...]:
    """What a file is shows in its keys: a drill restores, an environment has a kind."""
    try:
        report = open_report(file, "drill or an environment")
        keys = report.document.data
        if "restore" in keys or ("objectives" in keys and "kind" not in keys):
            load_drill(file, vocabulary)
        elif "kind" in keys:
            load_environment(file, vocabulary)
        else:
            return _neither(report)
    except DefinitionError as error:
        return error.problems
    return ()


def _neither(report: Report) -> tuple[Problem, ...]:
    report.add(
        (),
        "this is neither a drill nor an environment",
        expected="`restore` in a drill, `kind` in an environment",
    )
    return report.problems


def _own(file: Path, problems: tuple[Problem, ...], named: set[str]) -> tuple[Problem, ...]:
    """A drill's problems without those that are listed at its environment's file anyway."""
    here = tuple(problem for problem in problems if problem.file not in named - {str(file)})
    if problems and not here:
        other = problems[0].file
        return (_whole(str(file), f"the environment of this drill is wrong: see {other}"),)
    return here


def _whole(file: str, message: str) -> Problem:
    return Problem(file=file, line=0, column=0, message=message)
