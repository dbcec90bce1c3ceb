"""What a sandbox's server log says, without anything that may hold a row's values."""

from __future__ import annotations

from drillctl.sandbox.providers.docker_exec import Inside

_FULL = ("No space left on device", "Disk quota exceeded")


def says_full(text: str) -> bool:
    return any(word in text for word in _FULL)


def log_tail(inside: Inside, path: str) -> str:
    """The last 64 KiB. Raises what the SDK raises when the container does not run."""
    return inside.quietly(["tail", "-c", "65536", path])


def last_words(text: str) -> str:
    """The last fatal line of a server's log. A session that knocks too early is told FATAL as
    well; that is not why a server ended."""
    fatal = [
        line
        for line in text.splitlines()
        if ("FATAL:" in line or "PANIC:" in line) and "the database system is" not in line
    ]
    return fatal[-1][-300:] if fatal else ""
