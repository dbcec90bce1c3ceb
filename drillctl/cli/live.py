"""What a person sees while a drill runs: a live view on a terminal, plain lines elsewhere.

A drill never fails because nobody looks: a closed or full stderr is written to no more.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

from drillctl.cli.story import Line, Story, moment_of, stamp
from drillctl.debrief.plain import one_line, plain

if TYPE_CHECKING:
    from drillctl.evidence.journal import Entry

# The same kind of progress, such as `restored 40 of 112 items`, again after this many seconds.
_AGAIN_AFTER = 5.0


class Display(Protocol):
    def start(self) -> None: ...
    def fact(self, elapsed: float, line: Line, phase: str) -> None: ...
    def progress(self, elapsed: float, text: str) -> None: ...
    def stop(self) -> None: ...


class Unbreakable:
    """A text stream whose reader may go away at any moment without anybody noticing."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = getattr(stream, "encoding", None) or "ascii"
        self.errors = "replace"

    def write(self, text: str) -> int:
        stream = self._stream
        if stream is not None:
            try:
                stream.write(text.encode(self.encoding, "replace").decode(self.encoding))
            except RuntimeError:  # a signal's message in the middle of another write
                pass
            except (OSError, ValueError):
                self._stream = None
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except RuntimeError:
                pass
            except (OSError, ValueError):
                self._stream = None

    def isatty(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        if self._stream is None:
            raise OSError("closed")
        return self._stream.fileno()


class Live:
    """Listens to a journal (`journal.listen(live.entry)`) and to progress (`live.tell`).

    Safe from several threads and from a signal handler. `stream` is stderr unless given.
    """

    def __init__(self, drill: str, stream: TextIO | None = None) -> None:
        out = Unbreakable(sys.stderr if stream is None else stream)
        self._lock = threading.RLock()
        self._story = Story()
        self._elapsed, self._read_at = 0.0, time.monotonic()
        self._display: Display
        if out.isatty():
            from drillctl.cli.terminal_view import TerminalView

            self._display = TerminalView(out, one_line(plain(drill), 60), self._now)
        else:
            self._display = PlainLines(out)

    def __enter__(self) -> Live:
        self._display.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._display.stop()

    def entry(self, entry: Entry) -> None:
        """One journaled fact. Never raises."""
        with self._lock:
            self._elapsed, self._read_at = entry.elapsed, time.monotonic()
            line = self._story.line(entry)
            if line is not None:
                self._display.fact(moment_of(entry), line, self._story.phase)

    def tell(self, text: str) -> None:
        """Progress that the next one may replace."""
        with self._lock:
            self._display.progress(self._now(), one_line(plain(text), 160))

    def notice(self, text: str) -> None:
        """Something that must stay readable, such as what a signal does."""
        with self._lock:
            line = Line(text=one_line(plain(text), 160), tone="inconclusive")
            self._display.fact(self._now(), line, self._story.phase)

    def _now(self) -> float:
        """Seconds since the journal was opened."""
        return self._elapsed + time.monotonic() - self._read_at


class PlainLines:
    """`  12.3s  restored`, a line a fact; progress of one kind at most every few seconds."""

    def __init__(self, out: Unbreakable) -> None:
        self._out = out
        self._last_kind = ""
        self._last_at = float("-inf")

    def start(self) -> None: ...

    def stop(self) -> None:
        self._out.flush()

    def fact(self, elapsed: float, line: Line, phase: str) -> None:
        self._write(elapsed, line.text)

    def progress(self, elapsed: float, text: str) -> None:
        kind = "".join(sign for sign in text if not sign.isdigit())
        if kind == self._last_kind and elapsed - self._last_at < _AGAIN_AFTER:
            return
        self._last_kind, self._last_at = kind, elapsed
        self._write(elapsed, text)

    def _write(self, elapsed: float, text: str) -> None:
        self._out.write(f"{stamp(elapsed)}  {text}\n")
        self._out.flush()
