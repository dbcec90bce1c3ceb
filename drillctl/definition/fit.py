"""Part of a document into a model; each of pydantic's complaints into a problem with its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from drillctl.definition.document import Path, Report
from drillctl.definition.explain import Explain
from drillctl.definition.follow import Steps, follow

Model = TypeVar("Model", bound=BaseModel)

_WRONG_KIND = ("_type", "_parsing", "literal_error", "int_from_float", "enum", "none_required")


def fit(
    model: type[Model],
    data: Any,
    path: Path,
    report: Report,
    *,
    subject: str = "",
    others: Iterable[str] = (),
) -> Model | None:
    """`data`, which stands at `path`, as `model`; None after its problems went to `report`.

    Values are judged strictly, as JSON would be: text that looks like a number is not a number.
    `others` are keys that may stand beside the model's own; `subject` names the whole to people.
    """
    try:
        return model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
    explain = Explain(
        model=model, data=data, path=path, report=report, subject=subject, others=tuple(others)
    )
    for spot, branches in _grouped(data, details):
        meant = _meant(spot, branches)
        if meant is None:
            explain.forms(spot)
        for detail in meant or ():
            explain.one(detail)
    return None


Branches = Mapping[str, list[ErrorDetails]]
"""Complaints of one place, by the name of the union's member that made them."""


def _grouped(data: Any, details: Iterable[ErrorDetails]) -> Iterable[tuple[Steps, Branches]]:
    """Complaints of all members of one union belong together; others stand alone."""
    groups: dict[Steps, dict[str, list[ErrorDetails]]] = {}
    for at, detail in enumerate(details):
        loc = detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"]
        _, beside = follow(data, loc)
        if beside and beside[0][1] != "[key]":
            union, member = beside[0]
            groups.setdefault(loc[:union], {}).setdefault(member, []).append(detail)
        else:
            groups[("", at)] = {"": [detail]}
    return groups.items()


def _meant(spot: Steps, branches: Branches) -> list[ErrorDetails] | None:
    """Of the members whose kind the value has, the one with the fewest complaints, if it is one."""
    if len(branches) == 1:
        return next(iter(branches.values()))
    depth = len(spot) + 1
    fitting = [
        details
        for details in branches.values()
        if not any(d["type"].endswith(_WRONG_KIND) and len(d["loc"]) <= depth for d in details)
    ]
    fewest = min(map(len, fitting), default=0)
    best = [details for details in fitting if len(details) == fewest]
    return best[0] if len(best) == 1 else None
