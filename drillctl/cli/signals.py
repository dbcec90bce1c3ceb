"""SIGINT, SIGTERM and SIGHUP: once is a stop with teardown, twice leaves things as they are."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from drillctl.interrupt import interrupt

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stoppable(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, the first signal interrupts at the next safe point; the second gives up at once."""
    seen = 0

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        name = signal.Signals(number).name
        if seen == 1:
            tell(f"{name}: stopping and tearing down; once more to leave things as they are")
            interrupt(f"stopped by {name}")
            return
        with contextlib.suppress(OSError):
            sys.stderr.write("left as it is; `drillctl sweep` removes it\n")
            sys.stderr.flush()
        os._exit(130)

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
