"""Words of drills to come: saying so is kinder than guessing what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from drillctl import __version__

Place = Literal["drill", "check", "engine", "environment"]

_VERSION = ".".join(__version__.split(".")[:2])
_LATER: Mapping[Place, frozenset[str]] = {
    "drill": frozenset({"cutover", "drift", "comms"}),
    "check": frozenset({"seal", "ledger", "digest", "amcheck", "large_objects"}),
    "engine": frozenset({"pg_basebackup", "pgbackrest", "barman", "wal-g", "mysqldump"}),
    "environment": frozenset({"standby", "router", "dsn_env"}),
}


def not_yet(place: Place, word: object) -> str:
    """A message for a word that this version does not have, or nothing."""
    return f"`{word}` is not available in drillctl {_VERSION}" if word in _LATER[place] else ""


def unavailable(what: str) -> str:
    return f"{what} is not available in drillctl {_VERSION}"
