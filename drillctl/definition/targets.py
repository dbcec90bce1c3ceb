"""Recovery targets: where replay should stop, and how the stop is written."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

Stop = Literal["latest", "immediate", "time", "lsn", "name", "xid"]

_ALONE = ("latest", "immediate")
_EXAMPLES = {
    "time": "2026-11-24T05:00:00Z",
    "lsn": "16/B374D848",
    "name": "a restore point's name",
    "xid": "a transaction id such as 1234567",
}


def check_target(stop: Stop, value: Any) -> str | None:
    """The value as text. Raises ValueError when it does not fit the stop."""
    if stop in _ALONE:
        if value is not None:
            raise ValueError(f"`stop: {stop}` takes no `value`")
        return None
    if value is None:
        raise ValueError(f"`stop: {stop}` lacks `value`: {_EXAMPLES[stop]}")
    text = "" if isinstance(value, bool | float | dict | list) else str(value)
    if not _fits(stop, text):
        raise ValueError(f"`value` does not fit `stop: {stop}`: write {_EXAMPLES[stop]}")
    return text


def _fits(stop: Stop, text: str) -> bool:
    if stop == "lsn":
        return re.fullmatch(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}", text) is not None
    if stop == "xid":
        return re.fullmatch(r"[0-9]{1,20}", text) is not None
    if stop == "name":
        return 0 < len(text.encode()) < 64 and "\n" not in text
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
