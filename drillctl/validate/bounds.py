"""How many there should be: a number, or the least and the most."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Whole = Annotated[int, Field(ge=0, strict=True)]


class Bounds(BaseModel):
    """At least `min`, at most `max`; both ends count as inside."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: Whole | None = Field(None, description="at least so many")
    max: Whole | None = Field(None, description="at most so many")

    @model_validator(mode="after")
    def _can_fail(self) -> Bounds:
        if self.min is None and self.max is None:
            raise ValueError("write `min`, `max` or both: there is nothing to compare with")
        if self.max is None and self.min == 0:
            raise ValueError("a `min` of 0 can never fail: write at least 1, or a `max`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is more than `max` {self.max}")
        return self


Count = Whole | Bounds


def holds(count: Count, observed: int) -> bool:
    if isinstance(count, int):
        return observed == count
    return (count.min is None or observed >= count.min) and (
        count.max is None or observed <= count.max
    )


def in_words(count: Count) -> str:
    """`20000`, `at least 1`, `at most 5`, `between 1 and 5`."""
    if isinstance(count, int):
        return str(count)
    if count.max is None:
        return f"at least {count.min}"
    if count.min is None:
        return f"at most {count.max}"
    return f"between {count.min} and {count.max}"
