"""What the answer of a query may have to be."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drillctl.validate.bounds import Count
from drillctl.validate.contract import Incomparable
from drillctl.validate.values import Scalar, equal, not_after, shown


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ValueIs(_Form):
    value: Scalar = Field(description="the one value of the one row: a number, text, null, a bool")


class InRange(_Form):
    range: tuple[int | float | str, int | float | str] = Field(
        description="the least and the most that the one value may be: numbers, or ISO dates"
    )

    @model_validator(mode="after")
    def _in_order(self) -> InRange:
        low, high = self.range
        try:
            ordered = not_after(low, high)
        except Incomparable as error:
            raise ValueError("a range needs two numbers, or two ISO 8601 dates or times") from error
        if not ordered:
            raise ValueError(f"the range begins with {low}, which is more than {high}")
        return self


class RowCount(_Form):
    rows: Count = Field(description="how many rows: a number, or {min, max}")


OneValue = bool | ValueIs | InRange
Expectation = Literal["empty"] | OneValue | RowCount


def wanted_of(expect: OneValue) -> str:
    if isinstance(expect, InRange):
        return f"between {expect.range[0]} and {expect.range[1]}"
    value = expect.value if isinstance(expect, ValueIs) else expect
    return value if isinstance(value, str) else shown(value)


def fits(expect: OneValue, value: Any) -> bool:
    if isinstance(expect, InRange):
        low, high = expect.range
        return value is not None and not_after(low, value) and not_after(value, high)
    return equal(expect.value if isinstance(expect, ValueIs) else expect, value)
