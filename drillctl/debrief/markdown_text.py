"""Pieces of Markdown that mean what they say, whatever text is put into them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from drillctl.debrief.plain import one_line

# A job summary takes 1 MiB; a long value says no more in a table than its first lines.
_LONGEST = 300
_MEANINGFUL = re.compile(r"([\\`*_\[\]~$|#])")
# In this order. An address would become a link that the reader did not ask for.
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "@": "&#64;",
    "://": ":&#47;&#47;",
    "www.": "www&#46;",
}


def safe(text: str) -> str:
    """`text` on one line, meaning nothing to Markdown or HTML, and no mention of anybody."""
    flat = _MEANINGFUL.sub(r"\\\1", one_line(text, _LONGEST))
    for sign, entity in _ENTITIES.items():
        flat = flat.replace(sign, entity)
    return flat


def fact_table(facts: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    rows = (f"| {safe(label)} | {safe(value)} |" for label, value in facts)
    return ("| | |", "|---|---|", *rows)


def fenced(text: str) -> tuple[str, ...]:
    """`text` as a block of YAML, in a fence longer than any inside it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return (f"{fence}yaml", text, fence)


def details(summary: str, lines: Iterable[str]) -> tuple[str, ...]:
    # Markdown inside needs the blank lines.
    return ("<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>", "")
