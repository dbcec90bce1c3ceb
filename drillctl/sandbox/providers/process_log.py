"""What a sandbox's server log says, without anything that may hold a row's values."""

from __future__ import annotations

from pathlib import Path

_TAIL = 64 * 1024


def last_words(log: Path) -> str:
    """The last fatal line of the server's log, without DETAIL or CONTEXT, which may hold values."""
    fatal = [line for line in log_tail(log).splitlines() if _fatal(line)]
    return fatal[-1][-300:] if fatal else ""


def log_tail(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _fatal(line: str) -> bool:
    """A session that knocks too early is told FATAL as well; that is not why a server ended."""
    told = "FATAL:" in line or "PANIC:" in line
    return told and "the database system is" not in line
