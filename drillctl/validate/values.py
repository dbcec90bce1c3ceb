"""One value of an answer against one of a definition file: by meaning, not by looks."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from drillctl.validate.contract import Incomparable

Scalar = bool | int | float | str | None


def equal(expected: Scalar, observed: Any) -> bool:
    """1 equals 1.0 and 1.00; true does not equal 1; null equals null only.

    Raises Incomparable when the types do not meet, such as text and a number.
    """
    if expected is None or observed is None:
        return expected is observed
    if isinstance(expected, bool) or isinstance(observed, bool):
        if type(expected) is not type(observed):
            raise Incomparable(f"the query answers with {kind_of(observed)}")
        return expected is observed
    if isinstance(observed, str | UUID):
        if not isinstance(expected, str):
            raise Incomparable(f"the query answers with {kind_of(observed)}: quote what you expect")
        return expected == str(observed)
    left, right = _pair(expected, observed)
    return bool(left == right)


def not_after(low: Any, high: Any) -> bool:
    """`low <= high`, for numbers and for dates and times. Raises Incomparable."""
    left, right = _pair(low, high)
    return bool(left <= right)


def shown(value: Any) -> str:
    """A value that may be printed: numbers, booleans and times; of text, only a digest."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    text = str(value)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{kind_of(value)} of {len(text)} characters, sha256 {digest}"


def kind_of(value: Any) -> str:
    names = {bool: "a boolean", str: "text", UUID: "a uuid", datetime: "a time", date: "a date"}
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "a number"
    return names.get(type(value), type(value).__name__)


def _comparable(value: Any) -> Decimal | datetime:
    if isinstance(value, bool):
        raise Incomparable("the query answers with a boolean: expect true or false")
    if isinstance(value, int | float | Decimal):
        return _finite(Decimal(str(value)))
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    if isinstance(value, str):
        return _read(value)
    raise Incomparable(f"{kind_of(value)} cannot be compared: cast it to text in the query")


def _read(text: str) -> Decimal | datetime:
    try:
        return _finite(Decimal(text))
    except InvalidOperation:
        pass
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Incomparable("the text is neither a number nor an ISO 8601 time") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _finite(number: Decimal) -> Decimal:
    if number.is_nan():
        raise Incomparable("NaN equals nothing: cast it to text in the query")
    return number


def _pair(expected: Any, observed: Any) -> tuple[Any, Any]:
    """Two of one kind: numbers, or times."""
    right, left = _comparable(observed), _comparable(expected)
    if isinstance(left, Decimal) is not isinstance(right, Decimal):
        raise Incomparable(f"the query answers with {kind_of(observed)}")
    return left, right
