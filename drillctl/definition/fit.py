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

_KEYS = ("missing", "extra_forbidden")
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
    _say(explain, details, 0)
    return None


Branches = Mapping[str, list[ErrorDetails]]
"""Complaints of one place, by the name of the union's member that made them."""


def _say(explain: Explain, details: Iterable[ErrorDetails], unions: int) -> None:
    """`unions` is how many unions deep the details are known to belong to one member."""
    for spot, branches in _grouped(explain.data, details, unions):
        if spot is None:
            explain.one(branches[""][0])
            continue
        meant = _meant(explain.data, spot, branches)
        if meant is None:
            explain.forms(spot)
        else:
            _say(explain, meant, unions + 1)


def _grouped(
    data: Any, details: Iterable[ErrorDetails], unions: int
) -> Iterable[tuple[Steps | None, Branches]]:
    """Complaints of all members of one union belong together; others stand alone, without one."""
    groups: dict[Steps, tuple[Steps | None, dict[str, list[ErrorDetails]]]] = {}
    for at, detail in enumerate(details):
        _, beside = follow(data, _written(detail))
        members = [(index, step) for index, step in beside if step != "[key]"]
        if len(members) > unions:
            index, member = members[unions]
            loc = detail["loc"][:index]
            _, branches = groups.setdefault(loc, (follow(data, loc)[0], {}))
            branches.setdefault(member, []).append(detail)
        else:
            groups["", at] = (None, {"": [detail]})
    return groups.values()


def _meant(data: Any, spot: Steps, branches: Branches) -> list[ErrorDetails] | None:
    """Of the members whose kind the value has, the one it is nearest to, if it is one."""
    if len(branches) == 1:
        return next(iter(branches.values()))
    fitting = [
        details
        for details in branches.values()
        if not any(d["type"].endswith(_WRONG_KIND) and _spot(data, d) == spot for d in details)
    ]
    distances = [_distance(data, spot, details) for details in fitting]
    best = [one for one, far in zip(fitting, distances, strict=True) if far == min(distances)]
    return best[0] if len(best) == 1 else None


def _distance(data: Any, spot: Steps, details: list[ErrorDetails]) -> tuple[int, int]:
    """Keys too many or too few in the value itself weigh more than anything deeper in it."""
    spots = {_spot(data, detail): detail["type"] for detail in details}
    keys = [s for s, kind in spots.items() if kind in _KEYS and len(s) == len(spot) + 1]
    return len(keys), len(spots)


def _written(detail: ErrorDetails) -> Steps:
    """The place without the last step, when that is what is missing there."""
    return detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"]


def _spot(data: Any, detail: ErrorDetails) -> Steps:
    found, _ = follow(data, _written(detail))
    return (*found, detail["loc"][-1]) if detail["type"] == "missing" else found
