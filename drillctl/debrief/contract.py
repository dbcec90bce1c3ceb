"""What a renderer promises. One contract test runs over all of them."""

from __future__ import annotations

from typing import Protocol

from drillctl.evidence.record import DrillRecord


class Renderer(Protocol):
    """A module. Every field of a record may be None or empty, and any text may be hostile."""

    name: str
    file_name: str

    def render(self, record: DrillRecord) -> str:
        """The whole file. Pure: the same record gives the same text. Never raises."""
        ...
