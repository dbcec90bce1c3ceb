"""Text that is safe to show: no terminal escapes, no control or direction-changing characters.

Names come from databases, files and tools. None of them may move a cursor, reverse what is read,
or make a file that an XML parser refuses.
"""

from __future__ import annotations

import re
from typing import Any

from drillctl.evidence.record import DrillRecord

# Whole sequences first (ECMA-48: control sequences, then strings up to their terminator), then what
# is left of broken ones.
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_DIRECTION = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# What UTF-8 or XML 1.0 cannot carry.
_UNFIT = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    """`text` with newlines and tabs kept, and everything else that is not to be seen removed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", _ESCAPE.sub("", text))
    return _UNFIT.sub("\ufffd", _DIRECTION.sub("", text))


def one_line(text: str, limit: int | None = None) -> str:
    """`text` on one line; cut to `limit` characters with an ellipsis."""
    flat = " ".join(text.split())
    return flat if limit is None or len(flat) <= limit else flat[: limit - 1] + "…"


def plain_record(record: DrillRecord) -> DrillRecord:
    """The same record with every text in it plain."""
    return DrillRecord.model_validate(_plain_value(record.model_dump(by_alias=True)))


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(str(key)): _plain_value(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(_plain_value(item) for item in value)
    return value
