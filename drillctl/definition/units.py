"""Durations, sizes and rates as people write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
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
    text = str(raw).strip()
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{raw!r} is not a duration: write it as 90s, 15m, 1h30m or 2d")
    return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))


def parse_size(raw: Any) -> int:
    """`4GiB`, `512MB`; returns bytes. Raises ValueError for anything else."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        raise ValueError(f"{raw!r} has no unit: write it as 512MiB or 4GiB")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([KMGT]?i?B)", str(raw).strip())
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"{raw!r} is not a size: write it as 512MiB or 4GiB")
    return int(float(match[1]) * _BYTES[match[2]])


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


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$",
            "description": "a duration such as 90s, 15m, 1h30m or 2d",
        }
    ),
]

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d+(\.\d+)?\s?([KMGT]i?)?B$",
            "description": "a size such as 512MiB or 4GiB",
        }
    ),
]
