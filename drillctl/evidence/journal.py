"""The journal: one fact a line, each with the hash of the line before, flushed per line.

Opened before anything starts, so a run that was killed is still evidence. A side effect is
journaled before it is made (with its deterministic name) and after.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from drillctl.clock import Clock, SystemClock
from drillctl.errors import SandboxError
from drillctl.interrupt import shielded

GENESIS = "0" * 64
_TEARDOWN = frozenset({"effect_undone", "mark", "status", "finding", "teardown", "run_closed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. `elapsed` is steady seconds since the journal was opened."""

    seq: int
    at: datetime
    elapsed: float
    kind: str
    data: dict[str, Any]
    prev: str
    hash: str


class Journal:
    """Append-only writer. Safe to use from several threads.

    `DRILLCTL_CRASH_AT=n` in the environment kills this process with SIGKILL right after the n-th
    line is on disk: the crash tests die between every two facts of a drill this way.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._zero = self._clock.now().steady
        self._lock = threading.RLock()
        self._seq = 0
        self.lost = False
        self._prev = GENESIS
        self._listeners: list[Callable[[Entry], None]] = []
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        sync_folder(path.parent)
        self._crash_at = int(os.environ.get("DRILLCTL_CRASH_AT", "0"))

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Call `listener` with every entry after it is on disk."""
        self._listeners.append(listener)

    def append(self, kind: str, /, **data: Any) -> Entry:
        """Write one fact and flush it to disk.

        Raises SandboxError `sandbox.evidence_lost` when the disk refuses. From then on only
        teardown may go on: what it says is dropped, and the run can never count as finished.
        """
        if self.lost and kind in _TEARDOWN:
            return self._unwritten(kind, data)
        with shielded(), self._lock:
            now = self._clock.now()
            body = {
                "seq": self._seq + 1,
                "at": now.wall.isoformat(),
                "elapsed": round(now.steady - self._zero, 6),
                "kind": kind,
                "data": _as_read_back(data),
                "prev": self._prev,
            }
            digest = _digest(body)
            line = json.dumps(body | {"hash": digest}, sort_keys=True) + "\n"
            self._write(line.encode())
            self._seq, self._prev = self._seq + 1, digest
            if self._seq == self._crash_at:
                os.kill(os.getpid(), signal.SIGKILL)
            entry = _entry(json.loads(line))
        for listener in self._listeners:
            listener(entry)
        return entry

    def _write(self, line: bytes) -> None:
        """All of the line or none of it: a full disk must not leave half a fact."""
        size = os.fstat(self._fd).st_size
        try:
            _write_all(self._fd, line)
            os.fsync(self._fd)
        except OSError as error:
            self.lost = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, size)
            raise SandboxError(
                "sandbox.evidence_lost",
                f"the journal could not be written: {error.strerror}",
                observed=str(self.path),
                hint="free some space under the run folder; the drill stops and tears down",
            ) from error

    def _unwritten(self, kind: str, data: dict[str, Any]) -> Entry:
        now = self._clock.now()
        elapsed = now.steady - self._zero
        return Entry(
            seq=0, at=now.wall, elapsed=elapsed, kind=kind, data=data, prev=self._prev, hash=""
        )

    def mark(self, name: str, *, at: datetime | None = None) -> Entry:
        """`at` is for a moment that another process measured, on the same wall clock."""
        if at is None:
            return self.append("mark", name=name)
        return self.append("mark", name=name, at=at.isoformat())

    @contextlib.contextmanager
    def making(self, kind: str, name: str, /, **detail: Any) -> Iterator[None]:
        """Journal a side effect before it is made and after. `name` must be deterministic."""
        if self.lost:
            raise SandboxError("sandbox.evidence_lost", "nothing is made without a journal")
        self.append("effect_intended", effect=kind, name=name, **detail)
        yield
        self.append("effect_done", effect=kind, name=name)

    def unmade(self, kind: str, name: str) -> None:
        """Journal that a side effect was undone: looked for and not found."""
        self.append("effect_undone", effect=kind, name=name)

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a journal on disk says. `broken_after` is the last good seq when the chain breaks."""

    entries: tuple[Entry, ...]
    broken_after: int | None
    reason: str = ""

    @property
    def intact(self) -> bool:
        return self.broken_after is None

    @property
    def head(self) -> str:
        return self.entries[-1].hash if self.entries else GENESIS


def read_journal(path: Path) -> Reading:
    """Read and verify a journal. Stops at the first line that does not follow from the one before.

    A last line without its newline is a write that a crash cut short: it is left out, and the
    journal counts as intact up to there.
    """
    lines = path.read_bytes().split(b"\n")
    entries: list[Entry] = []
    prev = GENESIS
    for number, line in enumerate(lines[:-1], start=1):
        try:
            raw = json.loads(line)
            claimed = raw.pop("hash")
            sound = claimed == _digest(raw) and raw["prev"] == prev and raw["seq"] == number
            entry = _entry(raw | {"hash": claimed}) if sound else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            entry = None
        if entry is None:
            reason = f"entry {number} altered; chain broken after {number - 1}"
            return Reading(entries=tuple(entries), broken_after=number - 1, reason=reason)
        entries.append(entry)
        prev = entry.hash
    return Reading(entries=tuple(entries), broken_after=None)


def sync_folder(folder: Path) -> None:
    """Make a new name in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _as_read_back(data: dict[str, Any]) -> dict[str, Any]:
    """`data` as a reader of the line will see it, so that writer and reader hash the same thing.

    A file name that is not UTF-8 reaches us with lone surrogates, which no record can hold: they
    become question marks.
    """
    text = json.dumps(data, ensure_ascii=False, default=str)
    read: dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
    return read


def _digest(body: dict[str, Any]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _entry(raw: dict[str, Any]) -> Entry:
    return Entry(
        seq=raw["seq"],
        at=datetime.fromisoformat(raw["at"]),
        elapsed=raw["elapsed"],
        kind=raw["kind"],
        data=raw["data"],
        prev=raw["prev"],
        hash=raw["hash"],
    )
