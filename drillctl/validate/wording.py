"""One wording for definitions that a dump and a restore put into other words.

`x in ('a', 'b')` on a varchar column is stored as one cast of an array; pg_dump writes that so that
the restored server stores a cast of each element instead. Both mean the same, and the server words
each as it is stored.
"""

from __future__ import annotations

import re

_LITERAL = r"E?'(?:[^']|'')*'::character varying(?:\(\d+\))?"
_WHOLE = re.compile(rf"\((ARRAY\[{_LITERAL}(?:, {_LITERAL})*\])\)::text\[\]")
_EACH = re.compile(rf"ARRAY\[\({_LITERAL}\)::text(?:, \({_LITERAL}\)::text)*\]")
_ELEMENT = re.compile(rf"\(({_LITERAL})\)::text")


def settled(definition: str) -> str:
    """`definition`, the same before a dump and after a restore."""
    if "::character varying" not in definition:
        return definition
    return _EACH.sub(lambda each: _ELEMENT.sub(r"\1", each[0]), _WHOLE.sub(r"\1", definition))
