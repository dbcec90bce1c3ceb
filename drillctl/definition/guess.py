"""Did you mean: the nearest known word, and how values are shown to people."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from drillctl.definition.document import without_passwords

_LONGEST = 48


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`did you mean `rto`?`, or nothing when nothing is near."""
    choices = {choice.lower(): choice for choice in known}
    wanted = str(word).lower().replace("-", "_")[:_LONGEST]
    near = difflib.get_close_matches(wanted, choices, n=1, cutoff=0.6)
    if not near:
        near = [key for key in choices if wanted and key.replace("_", "") == wanted]
    return f"did you mean `{choices[near[0]]}`?" if near else ""


def one_of(known: Iterable[str]) -> str:
    words = tuple(known)
    return f"one of {', '.join(words)}" if len(words) > 1 else f"{', '.join(words) or 'nothing'}"


def shown(value: Any) -> str:
    """A value of a definition file in a message, short and on one line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(without_passwords(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
