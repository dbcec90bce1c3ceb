"""A definition file as data, with the place of every key and value; and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from drillctl.definition.source import Source
from drillctl.errors import Problem

Path = tuple[str | int, ...]
"""Where a value stands: keys and list indexes from the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Line and column from 1 of a key (None in lists) and of its value; `raw` as it was written."""

    key: tuple[int, int] | None
    value: tuple[int, int]
    raw: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    source: Source
    data: Any
    places: dict[Path, Place]

    def where(self, path: Path, at: Literal["key", "value"] = "value") -> tuple[int, int]:
        """Line and column; of the nearest thing above when nothing was written there."""
        while path and path not in self.places:
            path = path[:-1]
        place = self.places[path]
        return place.key if at == "key" and place.key else place.value

    def line(self, path: Path) -> str:
        """`file:line`, to point at one place from another."""
        return f"{self.source.file}:{self.where(path, 'key')[0]}"


_LONGEST = 600


class Report:
    """Every problem of one document. A secret that was written by mistake is not said again."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._problems: list[Problem] = []
        self._places: set[tuple[int, int]] = set()

    def add(
        self,
        path: Path,
        message: str,
        *,
        expected: str = "",
        hint: str = "",
        at: Literal["key", "value"] = "value",
    ) -> None:
        line, column = self.document.where(path, at)
        self.add_at(line, column, message, expected=expected, hint=hint)

    def add_at(
        self, line: int, column: int, message: str, *, expected: str = "", hint: str = ""
    ) -> None:
        self._places.add((line, column))
        self._problems.append(
            Problem(
                file=self.document.source.file,
                line=line,
                column=column,
                message=_sayable(message),
                expected=_sayable(expected),
                hint=_sayable(hint),
            )
        )

    def taken(self, path: Path) -> bool:
        """Has something already been said of the key at `path`?"""
        return self.document.where(path, "key") in self._places

    @property
    def problems(self) -> tuple[Problem, ...]:
        """In the order of the file, each said once."""
        unique = dict.fromkeys(self._problems)
        return tuple(sorted(unique, key=lambda problem: (problem.line, problem.column)))


def _sayable(text: str) -> str:
    """One line of bounded length: a key may be as long as the file."""
    line = without_passwords(text).replace("\r", "\\r").replace("\n", "\\n")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def without_passwords(text: str) -> str:
    """`postgres://app:secret@db` as `postgres://app:***@db`."""
    return re.sub(r"(://[^\s/:@]*):[^\s/@]+@", r"\1:***@", text)
