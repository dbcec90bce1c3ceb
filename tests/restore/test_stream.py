"""Compressed streams are read to their very end, in constant memory, and never half."""

from __future__ import annotations

import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from drillctl.errors import RecoveryFailed
from drillctl.restore.engines.pg_dump import stream

TEXT = b"".join(b"row %d of a plain dump\n" % (n * n) for n in range(3000))
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
    "lz4": lambda data: lz4.frame.compress(data, content_checksum=True),
}
every_wrapping = pytest.mark.parametrize("wrapping", PACK)


def read(path: Path, wrapping: str) -> bytes:
    return b"".join(stream.chunks(path, wrapping))


@every_wrapping
def test_every_byte_comes_back(wrapping: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(PACK[wrapping](TEXT))
    assert read(path, wrapping) == TEXT
    assert stream.has_checksum(path, wrapping)


@every_wrapping
def test_streams_laid_end_to_end_are_one(wrapping: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(PACK[wrapping](TEXT) + PACK[wrapping](b"more\n"))
    assert read(path, wrapping) == TEXT + b"more\n"


@every_wrapping
def test_a_cut_at_any_byte_is_seen(wrapping: str, tmp_path: Path) -> None:
    whole, path = PACK[wrapping](TEXT), tmp_path / "x"
    step = max(1, len(whole) // 300)
    for length in {*range(1, len(whole), step), *range(len(whole) - 12, len(whole))}:
        path.write_bytes(whole[:length])
        with pytest.raises(RecoveryFailed) as caught:
            read(path, wrapping)
        assert caught.value.finding == "restore.archive_truncated", length


@every_wrapping
def test_a_flipped_bit_is_seen_or_changes_nothing(wrapping: str, tmp_path: Path) -> None:
    whole, path = PACK[wrapping](TEXT), tmp_path / "x"
    chance = random.Random(7)
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            assert read(path, wrapping) == TEXT
        except RecoveryFailed as error:
            assert error.finding in ("restore.archive_corrupt", "restore.archive_truncated")


def test_a_stream_without_a_checksum_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(zstandard.ZstdCompressor(write_checksum=False).compress(TEXT))
    assert not stream.has_checksum(path, "zst")
    path.write_bytes(lz4.frame.compress(TEXT))
    assert not stream.has_checksum(path, "lz4")
    path.write_bytes(lzma.compress(TEXT, check=lzma.CHECK_NONE))
    assert not stream.has_checksum(path, "xz")


@every_wrapping
def test_a_piece_that_opens_into_much_stays_small(wrapping: str, tmp_path: Path) -> None:
    """A megabyte of zeros packs into a few bytes; a gigabyte must not come out at once."""
    path = tmp_path / "x"
    path.write_bytes(PACK[wrapping](bytes(64 << 20)))
    sizes = [len(chunk) for chunk in stream.chunks(path, wrapping)]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 64 << 20


def test_reading_a_head_stops_there(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(TEXT))
    assert stream.head(path, "gz", 10) == TEXT[:10]
    source = stream.Unwrapped(stream.chunks(path, "gz"))
    assert source.read(5) + source.read(7) == TEXT[:12]
    assert len(source.read(len(TEXT))) == len(TEXT) - 12
