"""Removing what crashes left, over all providers."""

from __future__ import annotations

from drillctl.errors import SandboxError
from drillctl.evidence.owner import Owner, is_alive
from drillctl.sandbox.catalogue import PROVIDERS
from drillctl.sandbox.contract import Leftover


def sweep() -> tuple[Leftover, ...]:
    """Everything that a run with a dead owner left, removed and looked for again.

    An owner on another host is not known to be dead, and left alone. A provider that could not
    look (an engine that does not answer) is reported as a leftover that was not removed.
    """
    found: list[Leftover] = []
    for name, provider in PROVIDERS.items():
        try:
            found += provider().sweep(_is_dead)
        except SandboxError as error:
            found.append(
                Leftover(kind=name, name="unknown", run_id="", removed=False, detail=error.message)
            )
    return tuple(found)


def _is_dead(owner: Owner) -> bool:
    return is_alive(owner) is False
