"""A file's bytes as they were before it was compressed, in constant memory, to the very end.

Every trailing checksum is reached, and an end that comes too early is an error: the libraries'
own file objects return the half of a cut zstd frame as if it were whole.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import lz4.frame
import zstandard

from drillctl.errors import RecoveryFailed

CHUNK = 1 << 20

MAGICS = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd", "xz": b"\xfd7zXZ\x00", "lz4": b"\x04\x22\x4d\x18"}  # fmt: skip # noqa: E501

# How much to feed at once: even at a format's highest ratio a piece opens into some 30 MiB.
_PIECES = {"gz": 32 << 10, "zst": 1 << 10, "xz": 4 << 10, "lz4": 128 << 10}


class Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_MAKERS: dict[str, Callable[[], Any]] = {
    "gz": lambda: zlib.decompressobj(wbits=31),
    "zst": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "xz": lzma.LZMADecompressor,
    "lz4": lz4.frame.LZ4FrameDecompressor,
}
_ERRORS = (zlib.error, zstandard.ZstdError, lzma.LZMAError, RuntimeError)


def chunks(path: Path, wrapping: str) -> Iterator[bytes]:
    """The file's bytes without `wrapping` (`gz`, `zst`, `xz`, `lz4` or empty).

    Raises RecoveryFailed `restore.archive_truncated`, `.archive_corrupt`, `.unreadable`.
    """
    if not wrapping:
        yield from _pieces(path, CHUNK)
        return
    make: Callable[[], Decompressor] = _MAKERS[wrapping]
    inner, fed, members = make(), False, 0
    for piece in _pieces(path, _PIECES[wrapping]):
        rest = piece
        while rest:
            if not fed and members:  # zeros between and after members are padding
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
            fed = True
            if data := _decompress(inner, rest, wrapping):
                yield data
            rest = b""
            if inner.eof:
                rest = inner.unused_data or b""
                inner, fed, members = make(), False, members + 1
    if fed or not members:
        raise truncated(f"the {wrapping} stream ends before its end")


def _decompress(inner: Decompressor, data: bytes, wrapping: str) -> bytes:
    try:
        return inner.decompress(data)
    except _ERRORS as error:
        raise RecoveryFailed(
            "restore.archive_corrupt",
            f"the {wrapping} stream is damaged",
            observed=str(error)[:200],
            hint="compare the file with the copy where it was taken",
        ) from error


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(size):
                yield piece
    except OSError as error:
        raise unreadable(path, error) from error


def truncated(observed: str) -> RecoveryFailed:
    return RecoveryFailed(
        "restore.archive_truncated",
        "the backup was cut short",
        observed=observed,
        hint="compare its size with the copy where it was taken, and take a new dump",
    )


def unreadable(path: Path, error: OSError) -> RecoveryFailed:
    return RecoveryFailed(
        "restore.unreadable",
        f"the backup cannot be read: {(error.strerror or 'input/output error').lower()}",
        observed=str(path),
        hint="check its permissions and the disk it lies on",
    )


class Unwrapped:
    """`read(count)` over chunks: what a reader of a head needs. Unpacks no further than asked."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0

    def read(self, count: int) -> bytes:
        while len(self._buffer) - self._at < count and (chunk := next(self._source, b"")):
            self._buffer = self._buffer[self._at :] + chunk
            self._at = 0
        data = self._buffer[self._at : self._at + count]
        self._at += len(data)
        return data


def head(path: Path, wrapping: str, limit: int) -> bytes:
    """The first bytes, up to `limit`. A stream that is cut earlier gives what there is."""
    found = b""
    try:
        for chunk in chunks(path, wrapping):
            found += chunk
            if len(found) >= limit:
                break
    except RecoveryFailed as error:
        if error.finding == "restore.unreadable" or not found:
            raise
    return found[:limit]


def has_checksum(path: Path, wrapping: str) -> bool:
    """Does the compressed stream carry a checksum of its content?"""
    with path.open("rb") as file:
        start = file.read(64)
    if wrapping == "gz":
        return True
    if wrapping == "xz":
        return start[7:8] != b"\0"
    try:
        if wrapping == "zst":
            return bool(zstandard.get_frame_parameters(start).has_checksum)
        return wrapping == "lz4" and bool(lz4.frame.get_frame_info(start)["content_checksum"])
    except _ERRORS:
        return False
