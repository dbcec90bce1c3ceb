"""What psql printed while it ran a plain dump: line numbers and SQLSTATEs, never a value.

psql is told to print SQLSTATEs alone. It exits 0 whatever failed, and goes on; after too many
errors, or one that turns rows into commands, the dump is stopped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_LIMIT = 100
_SQLSTATE = re.compile(r"psql:<stdin>:(\d+): (?:ERROR|FATAL|PANIC):\s+([0-9A-Z]{5})\b")
_OTHER = re.compile(r"psql(?::<stdin>:(\d+))?: (?:error|fatal): (.*)")
_UNSTARTED = re.compile(r"invalid command \\((?:un)?restrict)\b")
_GONE = ("57P01", "57P02", "57P03", "08006", "08003", "08001", "XX002")

# A syntax error, a broken character, or rows for a table that is not there.
_DERAILS = ("42601", "22021", "invalid command")
_UNDEFINED = ("42P01", "42704", "42883", "42703", "3F000", "3D000", "2BP01")
DUPLICATE_DATABASE = "42P04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """`state` is a SQLSTATE, or a few words of psql's own."""

    line: int
    state: str


class PsqlErrors:
    """Takes standard error line by line. `expected(line, state)` says what was caused by plan."""

    def __init__(self, expected: Callable[[int, str], bool]) -> None:
        self._expected = expected
        self.kept: list[Refusal] = []
        self.count = 0
        self.expected = 0
        self.old_psql = False
        self.lost_server = False

    @property
    def hopeless(self) -> bool:
        """Nothing that follows can be trusted."""
        derailed = any(refusal.state in _DERAILS for refusal in self.kept)
        return derailed or self.count >= _LIMIT or self.lost_server

    def take(self, line: str) -> None:
        if match := _SQLSTATE.match(line):
            self._add(int(match[1]), match[2])
        elif match := _OTHER.match(line):
            self._add_own(int(match[1] or 0), match[2])

    def _add_own(self, line: int, text: str) -> None:
        if _UNSTARTED.match(text):
            self.old_psql = True
        elif "invalid command" in text:
            self._add(line, "invalid command")
        elif "connection to server" in text or "server closed" in text:
            self.lost_server = self.lost_server or "connect:" not in text
            self._add(line, "connection failed")
        else:
            self._add(line, "psql stopped")

    def _add(self, line: int, state: str) -> None:
        if self._expected(line, state):
            self.expected += 1
            return
        self.count += 1
        self.lost_server = self.lost_server or state in _GONE
        if len(self.kept) < _LIMIT:
            self.kept.append(Refusal(line=line, state=state))


def is_undefined(state: str) -> bool:
    """What a `DROP` of something that is not there answers."""
    return state in _UNDEFINED
