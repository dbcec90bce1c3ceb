"""Pydantic's complaints in our words: what was found, what was expected, what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from drillctl.definition.document import Path, Report
from drillctl.definition.follow import Steps, follow, value_at
from drillctl.definition.guess import did_you_mean, one_of, shown
from drillctl.definition.shapes import expected_at, field_at, keys_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """`data` stands at `path` of the report's document and did not fit `model`.

    `others` are keys that may stand beside the model's own; `subject` names the whole to people.
    """

    model: type[BaseModel]
    data: Any
    path: Path
    report: Report
    subject: str
    others: tuple[str, ...]

    def one(self, detail: ErrorDetails) -> None:
        kind, loc = detail["type"], tuple(detail["loc"])
        spot, _ = follow(self.data, loc)
        if kind == "missing":
            self._missing(follow(self.data, loc[:-1])[0], loc)
        elif kind == "extra_forbidden":
            self._unknown(spot, loc)
        elif kind in ("value_error", "assertion_error"):
            self._refused(str(detail["ctx"]["error"]), spot, loc)
        else:
            self._wrong(detail, spot, loc)

    def forms(self, spot: Steps) -> None:
        """The value has none of the forms that it may have."""
        value = value_at(self.data, spot)
        self.report.add(
            (*self.path, *spot),
            f"{self._name(spot)} is {shown(value)}, which is none of the forms it may have",
            expected=expected_at(self.model, spot),
            hint=did_you_mean(next(iter(value)), keys_at(self.model, spot))
            if isinstance(value, dict) and value
            else did_you_mean(value, expected_at(self.model, spot).replace("`", "").split(" or ")),
        )

    def _missing(self, parent: Steps, loc: Path) -> None:
        if isinstance(loc[-1], int):
            have = len(value_at(self.data, parent))
            message = f"{self._name(parent)} has {have} of the values it needs"
            self.report.add((*self.path, *parent), message, expected=f"{loc[-1] + 1} values")
            return
        field = field_at(self.model, loc)
        self.report.add(
            (*self.path, *parent),
            f"{self._name(parent)} lacks `{loc[-1]}`",
            expected=f"`{loc[-1]}`: {field.description}" if field and field.description else "",
            at="key",
        )

    def _unknown(self, spot: Steps, loc: Path) -> None:
        path = (*self.path, *spot)
        if self.report.taken(path):
            return
        known = keys_at(self.model, loc[:-1])
        known = (*self.others, *known) if len(loc) == 1 else known
        self.report.add(
            path,
            f"`{loc[-1]}` is not a key of {self._name(spot[:-1])}",
            expected=one_of(known),
            hint=did_you_mean(loc[-1], known),
            at="key",
        )

    def _refused(self, said: str, spot: Steps, loc: Path) -> None:
        """A validator's own words: of a whole mapping at its key, of one value at the value."""
        whole = isinstance(value_at(self.data, spot), dict | list)
        at_key = whole or loc[-1:] == ("[key]",)
        self.report.add(
            (*self.path, *spot),
            f"{self._name(spot)}: {said}",
            at="key" if at_key else "value",
        )

    def _wrong(self, detail: ErrorDetails, spot: Steps, loc: Path) -> None:
        value = value_at(self.data, spot)
        field = field_at(self.model, loc)
        expected, hint = _said(detail, value)
        if detail["type"] == "string_type" and isinstance(value, int | float):
            place = self.report.document.places.get((*self.path, *spot))
            hint = f'put it in quotes: "{place.raw if place else value}"'
        if detail["type"] in _SHAPES:
            expected = expected_at(self.model, loc) or expected
        if detail["type"] == "string_pattern_mismatch" and field and field.description:
            expected = field.description
        self.report.add(
            (*self.path, *spot),
            f"{self._name(spot)} is {shown(value)}",
            expected=expected,
            hint=hint,
            at="key" if loc[-1:] == ("[key]",) else "value",
        )

    def _name(self, spot: Steps) -> str:
        """`objectives.rto`; the last two keys are enough, the line says the rest."""
        if self.subject and not spot:
            return self.subject
        keys = [str(step) for step in (*self.path, *spot) if isinstance(step, str)]
        return f"`{'.'.join(keys[-2:])}`"


_SHAPES: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "path_type": "a path",
}


def _said(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    """What was expected, and a hint."""
    if detail["type"] in _SHAPES:
        return _SHAPES[detail["type"]], ""
    if detail["type"] in ("literal_error", "enum"):
        choices = str(detail["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return one_of(choices), did_you_mean(value, choices)
    if detail["type"] in ("too_short", "too_long"):
        return _length(detail), ""
    said = detail["msg"].removeprefix("Input should ").removeprefix("be ")
    said = said.removeprefix("String should ").removeprefix("have ")
    return (said[:1].lower() + said[1:]).rstrip("."), ""


def _length(detail: ErrorDetails) -> str:
    least, most = detail["ctx"].get("min_length"), detail["ctx"].get("max_length")
    count = least if detail["type"] == "too_short" else most
    items = "item" if count == 1 else "items"
    return f"{'at least' if detail['type'] == 'too_short' else 'at most'} {count} {items}"
