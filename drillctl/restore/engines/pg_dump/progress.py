"""Progress for people: at most a few lines a second."""

from __future__ import annotations

import time

from drillctl.definition.units import format_size
from drillctl.restore.contract import Tell

_EVERY_SECONDS = 0.5


class Progress:
    """`step` is for an item, `amount` for a count of bytes; `text` is the last word."""

    def __init__(self, tell: Tell, total: int) -> None:
        self._tell = tell
        self._total = total
        self._said_at = 0.0
        self.done = 0

    def step(self) -> None:
        self.done += 1
        self._say()

    def amount(self, count: int) -> None:
        self.done += count
        self._say()

    @property
    def text(self) -> str:
        return f"restored {min(self.done, self._total)} of {self._total} items"

    def _say(self) -> None:
        now = time.monotonic()
        if now - self._said_at >= _EVERY_SECONDS:
            self._said_at = now
            self._tell(self.text)


class ByteProgress(Progress):
    @property
    def text(self) -> str:
        return f"restored {format_size(self.done)}"
