"""What pg_restore printed on standard error, told apart and stripped of every row value.

pg_restore goes on after most errors, and neither its exit code nor its last line says which. Only
the first line of a server's message is read; DETAIL, CONTEXT and the failed command may hold rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_LIMIT = 1000
_ERROR = re.compile(r"pg_restore: (?:\[[^]]*\] )?error: (.*)")
_WARNING = re.compile(r"pg_restore: (?:\[[^]]*\] )?warning: (.*)")
_ENTRY = re.compile(r"pg_restore: from TOC entry (\d+);")
_DONE = re.compile(r"pg_restore: (?:creating|processing data for|executing) ")
_FLIGHT = re.compile(r"pg_restore: (launching|finished) item (\d+) ")
_SERVER = re.compile(r"(?:FATAL|ERROR|PANIC):\s+(.*)")
_PIECE = re.compile(
    r"(?: |pg_restore:|error:|from|creating|launching|processing)*"
    r"((?:could not|unexpected|unrecognized data|found unexpected|did not find|out of memory)\b.*)"
)
_SUMMARY = re.compile(r"errors ignored on restore: \d+")

# A quoted word is a name when one of these stands before it; otherwise it may be a row's value.
_NAMED = re.compile(
    r"\b(relation|table|column|constraint|index|role|user|schema|type|function|extension|sequence|"
    r"view|policy|trigger|language|database|tablespace|collation|operator|publication|option|"
    r"parameter|library|rule|attribute|domain|aggregate|file|encoding|member|server|wrapper|"
    r'statistics object|access method|for) "$'
)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')

CORRUPT, TRUNCATED, MISSING_FILE = "archive_corrupt", "archive_truncated", "archive_file_missing"

_CAUSES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (cause, re.compile(pattern, re.I))
    for cause, pattern in (
        ("newer_archive", r"unsupported version \("),
        ("no_compression", r"does not support compression|not built with|compression is not supp"),
        ("extension_missing", r'extension "[^"]*" is not available|open extension control file'),
        (
            "locale_missing",
            r'collation "[^"]*" for encoding|could not create locale|ICU is not supp',
        ),
        (
            MISSING_FILE,
            r'could not open (input |TOC |large object TOC )?file "[^"]*".*: No such file',
        ),
        (MISSING_FILE, r"could not find (file|header for file) |could not open TOC file"),
        (TRUNCATED, r"unexpected end of|end of file|ended unexpectedly|too short|premature"),
        (TRUNCATED, r"could not close data file"),
        (TRUNCATED, r"corrupt tar header|incomplete tar header|could not read from input file: *$"),
        (CORRUPT, r"uncompress|decompress|did not find magic|unexpected block|data block type"),
        (CORRUPT, r"could not (read|seek|find block)|invalid (code|distance|block|stored|literal)"),
        (CORRUPT, r"corrupt|invalid (line in|large object|compression|dumpId|OID|checksum)"),
        (CORRUPT, r"inconsistent|incorrect data check|bogus|mismatch|out of memory|string too"),
        ("role_missing", r'role "[^"]*" does not exist'),
        ("connection_lost", r"server closed the connection|terminating connection|connection to "),
        ("connection_lost", r"recovery mode|shutting down|starting up|no connection to the server"),
    )
)
# A large object's number inside the rows is not one that the table of contents lists.
_DAMAGED_ITEM = re.compile(r"could not open large object \d+: ERROR:")
_TOOLS_OWN = (CORRUPT, TRUNCATED, MISSING_FILE, "newer_archive", "no_compression")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One error. `cause` is `statement_failed` where nothing better is known; `where` names the
    object; `message` holds no row value."""

    cause: str
    where: str
    message: str


class Complaints:
    """Takes standard error line by line; `count` goes on where `kept` is full."""

    def __init__(self, labels: Mapping[int, str], on_item: Callable[[], None]) -> None:
        self._labels = labels
        self._on_item = on_item
        self._where = ""
        self._flying: set[int] = set()
        self.kept: list[Complaint] = []
        self.warnings: list[str] = []
        self.count = 0

    def take(self, line: str) -> None:
        if error := _ERROR.search(line):  # not only at its start: workers share one stream
            self._add(error[1])
        elif _DONE.match(line):
            self._where = ""
            self._on_item()
        elif flight := _FLIGHT.match(line):
            (self._flying.add if flight[1] == "launching" else self._flying.discard)(int(flight[2]))
        elif entry := _ENTRY.match(line):
            self._where = self._labels.get(int(entry[1]), f"item {entry[1]}")
        elif (warning := _WARNING.match(line)) and self._is_news(warning[1]):
            self.warnings.append(without_values(warning[1]))

    def _is_news(self, warning: str) -> bool:
        return not _SUMMARY.match(warning) and len(self.warnings) < _LIMIT

    def _add(self, text: str) -> None:
        self.count += 1
        if len(self.kept) < _LIMIT:
            cause = cause_of(text)
            where = self._where or self._in_flight()
            self.kept.append(Complaint(cause=cause, where=where, message=without_values(text)))

    def _in_flight(self) -> str:
        """What the parallel workers had in hand; those with rows, where some have."""
        labels = [self._labels.get(number, "") for number in sorted(self._flying)]
        rows = [label for label in labels if label.startswith(("TABLE DATA", "BLOB"))]
        return " or ".join(rows or labels)


def cause_in_pieces(stderr: str) -> str:
    """The cause in text where two workers wrote into each other's lines; empty for none."""
    for line in stderr.splitlines():
        piece = _PIECE.match(line)
        if piece and (cause := cause_of(piece[1])) in (CORRUPT, TRUNCATED, MISSING_FILE):
            return cause
    return ""


def cause_of(text: str) -> str:
    """The server's words do not make the archive corrupt: rows may be refused for other reasons."""
    from_server = bool(_SERVER.search(text))
    for cause, pattern in _CAUSES:
        if pattern.search(text) and not (from_server and cause in _TOOLS_OWN):
            return cause
    if _DAMAGED_ITEM.search(text):
        return CORRUPT
    return "statement_failed" if from_server or "query" in text else "tool_failed"


def without_values(text: str) -> str:
    """`text` with every quoted word that may be a row's value put out of sight."""

    def keep(match: re.Match[str]) -> str:
        named = _NAMED.search(text[: match.start() + 1])
        return match[0] if named and len(match[0]) < 140 else '"…"'

    return re.sub(r"(?<![\w\"])'[^']*'", "'…'", _QUOTED.sub(keep, text))[:300]
