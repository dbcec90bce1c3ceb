"""Durations, sizes and rates as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_LONGEST = 64  # characters; anything longer is not something a person wrote
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
}


def parse_duration(raw: Any) -> timedelta:
    """`15m`, `1h30m`, `500ms`. Raises ValueError for anything else, bare numbers among them."""
    if isinstance(raw, timedelta):
        return raw
    text = _scalar(raw, "a duration", "90s, 15m, 1h30m or 2d")
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{raw!r} is not a duration: write it as 90s, 15m, 1h30m or 2d")
    try:
        return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{raw!r} is longer than a duration can be") from None


def parse_size(raw: Any) -> int:
    """`4GiB`, `512MB`; returns bytes. Raises ValueError for anything else."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        raise ValueError(f"{raw!r} has no unit: write it as 512MiB or 4GiB")
    text = _scalar(raw, "a size", "512MiB or 4GiB")
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s?([KMGT]?i?B)", text)
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"{raw!r} is not a size: write it as 512MiB or 4GiB")
    return int(float(match[1]) * _BYTES[match[2]])


def parse_rate(raw: Any) -> float:
    """`50/s` or 50; returns events per second. Raises ValueError for anything else."""
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return float(raw)
    text = _scalar(raw, "a rate", "50 or 50/s")
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)/s", text)
    if match is None:
        raise ValueError(f"{raw!r} is not a rate: write it as 50 or 50/s (per second)")
    return float(match[1])


def _scalar(raw: Any, what: str, example: str) -> str:
    """The text to parse; ValueError for what cannot be one unit-bearing word."""
    if isinstance(raw, dict | list | tuple):
        raise ValueError(f"this is not {what}: write it as {example}")
    text = str(raw).strip()
    if len(text) > _LONGEST:
        raise ValueError(f"{text[:20]!r}... is not {what}: write it as {example}")
    return text


def format_duration(value: timedelta | float) -> str:
    """The shortest way people would write it: `4.2s`, `15m`, `1h30m`."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 60:
        return (
            f"{seconds:.1f}s".replace(".0s", "s") if seconds >= 0.1 else f"{seconds * 1000:.0f}ms"
        )
    whole = round(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2])


def format_size(count: int) -> str:
    """`1.4 GiB`, `96 MiB`, `12 B`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Written:
    """How pydantic reads a value that people write with a unit, and what editors are told of it.

    A class of our own, since importing pydantic for these words would cost every reader of a run.
    """

    parse: Callable[[Any], Any]
    json_schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.parse, handler(source))

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return dict(self.json_schema)


Duration = Annotated[
    timedelta,
    _Written(
        parse=parse_duration,
        json_schema={
            "type": "string",
            "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+$",
            "description": "a duration such as 90s, 15m, 1h30m or 2d",
        },
    ),
]

Size = Annotated[
    int,
    _Written(
        parse=parse_size,
        json_schema={
            "type": "string",
            "pattern": r"^[0-9]+(\.[0-9]+)?\s?([KMGT]i?)?B$",
            "description": "a size such as 512MiB or 4GiB",
        },
    ),
]

Rate = Annotated[
    float,
    _Written(
        parse=parse_rate,
        json_schema={
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?/s$"},
            ],
            "description": "a rate per second: 50 or 50/s",
        },
    ),
]
