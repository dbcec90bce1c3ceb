"""Running one command in a container, streamed both ways with constant memory.

A stream that the engine cuts looks like one that ended. So a small shell around the command writes
a word of its own, with the exit code, at the end of both streams: only that says they were whole.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import docker

from drillctl.clock import Deadline
from drillctl.command import Command, Completed, Tail
from drillctl.sandbox.providers.docker_engine import LOST

TOKEN = "DRILLCTL_EXEC"  # noqa: S105 - the name of a variable
_WRAPPER = f'"$@"; c=$?; printf "\\000%s:%s\\n" "${TOKEN}" $c; \
printf "\\000%s:%s\\n" "${TOKEN}" $c >&2; exit $c'
_KILL = f"""for again in 1 2; do for p in /proc/[0-9]*; do
    tr '\\0' '\\n' < "$p/environ" | grep -q "^{TOKEN}=$0$" && kill -9 "${{p#/proc/}}"
done; done 2> /dev/null; exit 0"""


class StreamCut(Exception):  # noqa: N818 - an event
    """The connection ended before the command said that it had: whatever its exit code, what it
    wrote may be cut short."""


class MarkedStream:
    """Passes a stream on to `take`, up to the mark at its end. Holds back only what may be one."""

    def __init__(self, token: str, take: Callable[[bytes], object]) -> None:
        self._mark = b"\0" + token.encode() + b":"
        self._take = take
        self._held = b""
        self.exit_code: int | None = None

    def add(self, chunk: bytes) -> None:
        data = self._held + chunk
        at = data.find(self._mark)
        if at < 0:
            at = data.find(b"\0", max(0, len(data) - len(self._mark) + 1))
            at = len(data) if at < 0 else at
        elif data.endswith(b"\n"):
            self.exit_code = int(data[at + len(self._mark) : -1])
        if data[:at]:
            self._take(data[:at])
        self._held = data[at:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """A container to run commands in."""

    client: docker.DockerClient
    container: str

    def run(
        self,
        command: Command,
        env: dict[str, str],
        *,
        timeout: float,
        feed: Iterable[bytes] | None,
        sink: BinaryIO | None,
        on_stderr: Callable[[str], None] | None,
    ) -> Completed:
        """Raises what the SDK raises when the engine or the container is gone, and StreamCut."""
        began = time.monotonic()
        token = secrets.token_hex(12)
        out, err = Tail(), Tail(on_stderr)
        streams = {
            1: MarkedStream(token, sink.write if sink is not None else out.add),
            2: MarkedStream(token, err.add),
        }
        api = self.client.api
        made = api.exec_create(
            self.container,
            ["sh", "-c", _WRAPPER, "drillctl", *command.argv],
            stdin=feed is not None,
            environment=env | {TOKEN: token},
        )
        with contextlib.closing(_Attached(api.exec_start(made["Id"], socket=True))) as attached:
            feeder = _Feeder(attached, feed)
            try:
                code = _converse(attached, streams, feeder, Deadline(timeout))
            except BaseException:
                self.kill(token)
                raise
            if code is None:
                self.kill(token)
            attached.shutdown()
            feeder.join()
        return Completed(
            command=command,
            exit_code=code,
            stdout=out.text(),
            stderr=err.text(),
            seconds=time.monotonic() - began,
            timed_out=code is None,
        )

    def kill(self, token: str) -> None:
        """Kill everything inside that carries the token; best effort, the container may be gone."""
        with contextlib.suppress(*LOST):
            self.quietly(["sh", "-c", _KILL, token])

    def quietly(self, argv: list[str]) -> str:
        """A small command's output, whatever its exit code. Raises what the SDK raises."""
        made = self.client.api.exec_create(self.container, argv, stderr=False)
        return bytes(self.client.api.exec_start(made["Id"])).decode("utf-8", "replace")


def _converse(
    attached: _Attached, streams: dict[int, MarkedStream], feeder: _Feeder, deadline: Deadline
) -> int | None:
    """The exit code when both streams have ended; None at the deadline. Raises StreamCut."""
    frame, left = 0, 0
    header = b""
    while any(stream.exit_code is None for stream in streams.values()):
        if feeder.error is not None:
            raise feeder.error
        if deadline.passed:
            return None
        chunk = attached.read(min(left or 8 - len(header), 1 << 16), min(1.0, deadline.remaining()))
        if chunk is None:
            continue
        if not chunk:
            raise StreamCut
        if left:
            left -= len(chunk)
            if frame in streams:
                streams[frame].add(chunk)
            continue
        header += chunk
        if len(header) == 8:
            frame, left = struct.unpack(">BxxxL", header)
            header = b""
    return streams[2].exit_code


class _Attached:
    """The hijacked connection of an exec."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._socket: socket.socket = getattr(raw, "_sock", raw)

    def read(self, size: int, seconds: float) -> bytes | None:
        """Up to `size` bytes; empty at the end, None when nothing came in time."""
        self._socket.settimeout(max(0.01, seconds))
        try:
            return self._socket.recv(size)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except TimeoutError:
                continue

    def end_input(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def shutdown(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()
        with contextlib.suppress(OSError):
            self._raw.close()


class _Feeder:
    """Pours a feed into the command's standard input, on a thread of its own. A reader that went
    away shows in its exit code; a feed that failed is `error`."""

    def __init__(self, attached: _Attached, feed: Iterable[bytes] | None) -> None:
        self.error: BaseException | None = None
        self._thread: threading.Thread | None = None
        if feed is not None:
            self._thread = threading.Thread(target=self._pour, args=(attached, feed), daemon=True)
            self._thread.start()

    def _pour(self, attached: _Attached, feed: Iterable[bytes]) -> None:
        chunks = iter(feed)
        while True:
            try:
                chunk = next(chunks, None)
            except BaseException as error:
                self.error = error
                return
            try:
                if chunk is None:
                    attached.end_input()
                    return
                attached.write(chunk)
            except OSError:
                return

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(timeout=5)
