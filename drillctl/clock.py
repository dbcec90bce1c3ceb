"""Time: wall time for people, monotonic time for arithmetic."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

# CLOCK_BOOTTIME goes on while the machine is suspended; CLOCK_MONOTONIC does not.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant, read on both clocks. `wall` is UTC; `steady` is in seconds from any zero."""

    wall: datetime
    steady: float


class Clock(Protocol):
    def now(self) -> Moment: ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Moment:
        return Moment(wall=datetime.now(UTC), steady=time.clock_gettime(_STEADY))


class Deadline:
    """A point in steady time that a wait must not pass."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.clock_gettime(_STEADY) + seconds

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._at - time.clock_gettime(_STEADY))

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0

    def capped(self, seconds: float) -> Deadline:
        """The earlier of this deadline and `seconds` from now."""
        return Deadline(min(seconds, self.remaining()))
