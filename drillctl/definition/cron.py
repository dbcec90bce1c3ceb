"""Five cron fields, UTC, judged only: is each one right, and will the schedule ever fire?"""

from __future__ import annotations

import re

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
# name, lowest, highest, names (the first of which stands for the lowest)
_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of the month", 1, 31, []),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_LONGEST_MONTHS = dict.fromkeys((4, 6, 9, 11), 30) | {2: 29}


def parse_cron(text: str) -> str:
    """The expression with single spaces. Raises ValueError with the field that is wrong."""
    words = text.split()
    if len(words) != 5:
        raise ValueError(
            f"a schedule has five fields (minute hour day month weekday), this one has {len(words)}"
        )
    if len(text) > 200:
        raise ValueError("a schedule is five short fields; this one is too long")
    sets = [_values(word, *field) for word, field in zip(words, _FIELDS, strict=True)]
    months, days = sets[3], sets[2]
    if words[4] == "*" and not any(min(days) <= _LONGEST_MONTHS.get(m, 31) for m in months):
        raise ValueError(f"this schedule never fires: no such month has a day {min(days)}")
    return " ".join(words)


def _values(word: str, name: str, low: int, high: int, names: list[str]) -> set[int]:
    found: set[int] = set()
    for part in word.split(","):
        match = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/([0-9]+))?", part, re.ASCII)
        if match is None or (match[1] == "*" and match[2]):
            raise ValueError(f"the {name} {part!r} is not a part of a schedule")
        step = int(match[3] or 1)
        if not 1 <= step <= high:
            raise ValueError(f"the step of {part!r} must be 1 to {high}")
        begin = low if match[1] == "*" else _number(match[1], name, low, high, names)
        end = _number(match[2], name, low, high, names) if match[2] else begin
        if match[1] == "*" or (match[3] and not match[2]):
            end = high
        if end < begin:
            raise ValueError(f"{part!r} runs backwards")
        found.update(range(begin, end + 1, step))
    return found


def _number(word: str, name: str, low: int, high: int, names: list[str]) -> int:
    if word.upper() in names:
        return low + names.index(word.upper())
    if not word.isdecimal() or len(word) > 2 or not low <= int(word) <= high:
        known = f" or {names[0]} to {names[-1]}" if names else ""
        raise ValueError(f"the {name} {word!r} of the schedule is not {low} to {high}{known}")
    return int(word)
