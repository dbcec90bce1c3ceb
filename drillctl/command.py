"""A command as data, and the one function that runs one on this machine.

Every process gets its own process group, a deadline, and is reaped. Output is kept as a bounded
tail, so the memory used does not grow with what a tool prints.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, BinaryIO, Protocol

TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. Secrets go into `env`, never into `argv`; `env` is not shown by `__repr__`."""

    argv: tuple[str, ...]
    purpose: str = ""
    env: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Command({' '.join(self.argv)!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a command ended. `exit_code` is None when it was killed at its deadline or lost sight of.

    `stdout` and `stderr` hold the last 64 KiB each; stdout is empty when a sink took it.
    """

    command: Command
    exit_code: int | None
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool = False


class Runner(Protocol):
    """Anything that runs a command: this machine, or the inside of a sandbox."""

    def __call__(
        self,
        command: Command,
        *,
        timeout: float,
        feed: Iterable[bytes] | None = None,
        sink: BinaryIO | None = None,
        on_stderr: Callable[[str], None] | None = None,
    ) -> Completed: ...


class Tail:
    """The last TAIL_BYTES of a stream; calls `on_line` for each whole line on the way."""

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._on_line = on_line
        self._partial = b""

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)
        while self._size - len(self._chunks[0]) >= TAIL_BYTES:
            self._size -= len(self._chunks.popleft())
        if self._on_line is not None:
            *lines, rest = (self._partial + chunk).split(b"\n")
            self._partial = rest[-TAIL_BYTES:]
            for line in lines:
                self._on_line(line.decode("utf-8", "replace"))

    def text(self) -> str:
        return b"".join(self._chunks)[-TAIL_BYTES:].decode("utf-8", "replace")


def run_here(
    command: Command,
    *,
    timeout: float,
    feed: Iterable[bytes] | None = None,
    sink: BinaryIO | None = None,
    on_stderr: Callable[[str], None] | None = None,
    cwd: str | None = None,
    inherit_env: bool = True,
) -> Completed:
    """Run `command` as a child of this process.

    `timeout` is in seconds. `feed` is streamed to standard input; `sink` takes standard output.
    Raises FileNotFoundError or PermissionError when the program cannot be started. On any
    exception (Ctrl-C among them) the whole process group is killed and reaped before it goes on.
    """
    env = (dict(os.environ) if inherit_env else {}) | dict(command.env)
    started = time.monotonic()
    process = subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )
    feeder = _start_feeder(process.stdin, feed)
    out, err = Tail(), Tail(on_stderr)
    try:
        in_time = _drain(process, sink.write if sink else out.add, err.add, started + timeout)
        if in_time:
            in_time = _wait(process, started + timeout)
    finally:
        _end(process)
        if feeder is not None:
            feeder.join(timeout=5)
    return Completed(
        command=command,
        exit_code=process.returncode if in_time else None,
        stdout=out.text(),
        stderr=err.text(),
        seconds=time.monotonic() - started,
        timed_out=not in_time,
    )


def _start_feeder(stdin: IO[bytes] | None, feed: Iterable[bytes] | None) -> threading.Thread | None:
    if stdin is None or feed is None:
        return None

    def pour() -> None:
        # A reader that went away shows in its exit code; that is where it is judged.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ValueError):
            for chunk in feed:
                stdin.write(chunk)
        with contextlib.suppress(BrokenPipeError, OSError):
            stdin.close()

    thread = threading.Thread(target=pour, name="feed", daemon=True)
    thread.start()
    return thread


def _drain(
    process: subprocess.Popen[bytes],
    on_out: Callable[[bytes], object],
    on_err: Callable[[bytes], object],
    until: float,
) -> bool:
    """Read both pipes until they close. False when `until` (monotonic seconds) came first."""
    with selectors.DefaultSelector() as selector:
        for stream, taker in ((process.stdout, on_out), (process.stderr, on_err)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, taker)
        while selector.get_map():
            left = until - time.monotonic()
            if left <= 0:
                return False
            for key, _ in selector.select(timeout=left):
                chunk = os.read(key.fd, 1 << 16)
                if chunk:
                    key.data(chunk)
                else:
                    selector.unregister(key.fileobj)
    return True


def _wait(process: subprocess.Popen[bytes], until: float) -> bool:
    try:
        process.wait(timeout=max(0.05, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the process group, reap the child, close the pipes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr, process.stdin):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()
