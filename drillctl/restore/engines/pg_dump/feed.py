"""Bytes on their way into a tool: what goes wrong while reading is kept, not lost in a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drillctl.errors import DrillctlError


class Feed:
    """Iterable once. After the tool ended, `error` says why the bytes stopped early, if they did;
    `finished` is False when the tool stopped reading before the end."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = source
        self.error: Exception | None = None
        self.finished = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._source
            self.finished = True
        except Exception as error:
            # Raised again by whoever waits for the tool; here it would only end a thread.
            self.error = error

    def raise_error(self) -> None:
        """Raises what stopped the bytes."""
        if isinstance(self.error, DrillctlError):
            raise self.error
        if self.error is not None:
            raise RuntimeError("reading the dump failed") from self.error
