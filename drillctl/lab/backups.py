"""Scheduled backups of the lab, as an operator's cron job would take them.

A dump is written under a temporary name and renamed when it is complete; the newest `keep` stay.
One that a disaster interrupts is left half-written, as in real life.
"""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from drillctl.clock import Clock
from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.lab.sessions import DATABASE
from drillctl.lab.state import BackupTaken
from drillctl.sandbox.contract import Sandbox

PARTIAL = ".partial"
GLOBALS = "globals.sql"
_DUMP_SECONDS = 3600.0


def _lz4(stream: IO[bytes]) -> IO[bytes]:
    import lz4.frame

    return cast(IO[bytes], lz4.frame.open(stream, "wb"))


def _xz(stream: IO[bytes]) -> IO[bytes]:
    return lzma.open(stream, "wb")


def _zst(stream: IO[bytes]) -> IO[bytes]:
    import zstandard

    return cast(IO[bytes], zstandard.ZstdCompressor().stream_writer(stream, closefd=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`letter` is pg_dump's; `wrap` compresses what it prints. A folder is written by itself."""

    letter: str
    suffix: str
    wrap: Callable[[IO[bytes]], Any] | None = None


FORMATS: Final[dict[str, Format]] = {
    "custom": Format(letter="c", suffix=".dump"),
    "directory": Format(letter="d", suffix=".dir"),
    "tar": Format(letter="t", suffix=".tar"),
    "plain": Format(letter="p", suffix=".sql"),
    "plain.gz": Format(
        letter="p",
        suffix=".sql.gz",
        wrap=lambda out: gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=6),
    ),
    "plain.zst": Format(letter="p", suffix=".sql.zst", wrap=_zst),
    "plain.xz": Format(letter="p", suffix=".sql.xz", wrap=_xz),
    "plain.lz4": Format(letter="p", suffix=".sql.lz4", wrap=_lz4),
}


class Scheduler:
    """Takes a backup at once and then every `every` seconds, in a thread of its own.

    A time that passes while a backup still runs is skipped.
    """

    def __init__(
        self, sandbox: Sandbox, folder: Path, *, form: str, every: float, keep: int, clock: Clock
    ) -> None:
        self._sandbox, self._folder, self._form = sandbox, folder, FORMATS[form]
        self._every, self._keep, self._clock = every, keep, clock
        self._taken: list[BackupTaken] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="backups", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin no further backup."""
        self._stop.set()

    def join(self, timeout: float) -> bool:
        """False when a backup still runs after `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def taken(self) -> tuple[BackupTaken, ...]:
        return tuple(self._taken)

    def _loop(self) -> None:
        began, turn = self._clock.now().steady, 0
        while not self._stop.wait(max(0.0, began + turn * self._every - self._clock.now().steady)):
            taken = take_backup(self._sandbox, self._folder, self._form, self._clock)
            self._taken.append(taken)
            if taken.ok:
                self._forget()
            turn = max(turn, int((self._clock.now().steady - began) // self._every)) + 1

    def _forget(self) -> None:
        complete = sorted(self._folder.glob(f"{DATABASE}-*{self._form.suffix}"))
        for path in complete[: -self._keep]:
            remove(path)


def take_backup(sandbox: Sandbox, folder: Path, form: Format, clock: Clock) -> BackupTaken:
    """One dump and the globals beside it. Failure is in what is returned, never raised."""
    began = clock.now().wall
    final = folder / f"{DATABASE}-{began:%Y%m%dT%H%M%SZ}{form.suffix}"
    partial = final.with_name(final.name + PARTIAL)
    try:
        ok = _dump(sandbox, partial, form) and not final.exists()
        ok = ok and _dump_globals(sandbox, folder)
        if ok:
            partial.rename(final)
    except (SandboxError, OSError):
        ok = False
    kept = final if ok else partial
    return BackupTaken(
        name=kept.name,
        began_at=began,
        ended_at=clock.now().wall,
        size_bytes=_size(kept),
        ok=ok,
    )


def _dump(sandbox: Sandbox, partial: Path, form: Format) -> bool:
    argv = [sandbox.tool("pg_dump"), f"--format={form.letter}", f"--dbname={DATABASE}"]
    if form.letter == "d":
        target = sandbox.inside(partial)
        # The sandbox's account makes the folder; the keeper must be able to read and remove it.
        # Nobody else gets there: the lab's own folder is closed.
        opened = ["chmod", "-R", "a+rwX", target]
        return _run(sandbox, [*argv, f"--file={target}"], None) and _run(sandbox, opened, None)
    with _wrapped(partial, form) as sink:
        return _run(sandbox, argv, sink)


def _dump_globals(sandbox: Sandbox, folder: Path) -> bool:
    partial = folder / (GLOBALS + PARTIAL)
    argv = [sandbox.tool("pg_dumpall"), "--globals-only", "--no-role-passwords"]
    with partial.open("wb") as sink:
        ok = _run(sandbox, argv, sink)
    if ok:
        partial.replace(folder / GLOBALS)
    return ok


def _run(sandbox: Sandbox, argv: list[str], sink: BinaryIO | None) -> bool:
    """The dump's own clock is UTC: the archive's time stamp is local time without a zone."""
    command = Command(argv=tuple(argv), purpose="back the lab up", env=(("TZ", "UTC"),))
    return sandbox.run(command, timeout=_DUMP_SECONDS, sink=sink).exit_code == 0


@contextlib.contextmanager
def _wrapped(path: Path, form: Format) -> Iterator[BinaryIO]:
    with path.open("xb") as stream:
        if form.wrap is None:
            yield stream
        else:
            with form.wrap(stream) as wrapper:
                yield wrapper
        stream.flush()
        os.fsync(stream.fileno())


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        if path.is_dir():
            return sum(one.lstat().st_size for one in path.iterdir())
        return path.lstat().st_size
    return 0


def remove(path: Path) -> None:
    """A dump, a file or a folder; no error when it is gone already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
