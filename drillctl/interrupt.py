"""Stopping in the right place: an interruption waits until a shielded block is over.

A signal handler may only raise where that cannot tear something in half: a journal line, a
teardown, the moment between making a thing and remembering it. Only the main thread is
interrupted; blocks in other threads need no shield.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from drillctl.errors import Interrupted

_depth = 0
_pending: Interrupted | None = None


@contextlib.contextmanager
def shielded(*, raise_after: bool = True) -> Iterator[None]:
    """No interruption inside; one that came meanwhile is raised at the end of the outermost.

    Without `raise_after` it stays pending until the next shield ends or `raise_pending` is called.
    """
    global _depth  # noqa: PLW0603 - signals are the process's, and so is this count
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
    if _depth == 0 and raise_after:
        raise_pending()


def interrupt(reason: str) -> None:
    """Called by a signal handler: raise Interrupted now, or when the shield comes down."""
    global _pending  # noqa: PLW0603 - see above
    _pending = Interrupted(reason)
    if _depth == 0:
        raise_pending()


def raise_pending() -> None:
    global _pending
    if _pending is not None:
        pending, _pending = _pending, None
        raise pending
