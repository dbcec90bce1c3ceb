"""From pydantic's place of an error to the place in the data it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Steps = tuple[str | int, ...]


def follow(data: Any, loc: Sequence[str | int]) -> tuple[Steps, tuple[tuple[int, str], ...]]:
    """The steps of `loc` that lead through `data`, and those that do not, each with its index.

    What does not lead through data is the name of a union's member, `[key]`, or a missing key.
    """
    here, path, beside = data, list[str | int](), list[tuple[int, str]]()
    for at, step in enumerate(loc):
        if isinstance(here, dict) and step in here:
            here = here[str(step)]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            beside.append((at, str(step)))
            continue
        path.append(step)
    return tuple(path), tuple(beside)


def value_at(data: Any, path: Steps) -> Any:
    for step in path:
        data = data[step]
    return data
