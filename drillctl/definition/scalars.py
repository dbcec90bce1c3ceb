"""The YAML 1.2 core schema for scalars (YAML 1.2.2, 10.3.2): what a plain word means."""

from __future__ import annotations

import math
import re
from typing import Any

from drillctl.definition.source import UNPRINTABLE

STR = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_CORE = (
    (_NULL, re.compile(r"~|null|Null|NULL|")),
    (_BOOL, re.compile(r"true|True|TRUE|false|False|FALSE")),
    (_INT, re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    (
        _FLOAT,
        re.compile(
            r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
    ),
)
_PATTERNS = dict(_CORE)
_LONGEST_NUMBER = 100


class Untrue(ValueError):  # noqa: N818 - the scalar is not what its tag says
    """A scalar that cannot be read. Carries a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def core_tag(text: str) -> str:
    """The tag of a plain, unquoted scalar."""
    if len(text) > _LONGEST_NUMBER:
        return STR
    return next((tag for tag, pattern in _CORE if pattern.fullmatch(text)), STR)


def core_value(tag: str, text: str) -> Any:
    """Raises Untrue: a tag of another schema, text that is not of its tag, no finite number."""
    if tag == STR:
        return _text(text)
    if tag not in _PATTERNS:
        name = tag.replace("tag:yaml.org,2002:", "!!")
        raise Untrue(f"the tag `{name}` is not allowed", "take it out: values need no tags")
    if len(text) > _LONGEST_NUMBER or _PATTERNS[tag].fullmatch(text) is None:
        raise Untrue(f"this is not a value of the tag `!!{tag.rpartition(':')[2]}`", "take it out")
    if tag == _INT:
        return _integer(text)
    if tag == _FLOAT:
        return _finite(text)
    return text[0] in "tT" if tag == _BOOL else None


def _text(text: str) -> str:
    """Escapes such as `\\0` can write what the file itself may not hold."""
    control = UNPRINTABLE.search(text)
    if control is not None:
        raise Untrue(f"this text holds the control character U+{ord(control[0]):04X}", "remove it")
    return text


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


def _finite(text: str) -> float:
    number = float(text) if text.lstrip("+-").lower() not in {".inf", ".nan"} else math.inf
    if not math.isfinite(number):
        raise Untrue("this is not a finite number", "write a number, or quote it to mean the text")
    return number
