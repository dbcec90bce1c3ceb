"""The globals that belong to a dump: named by the drill, or lying beside it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from drillctl.errors import RecoveryFailed
from drillctl.restore.engines.pg_dump import sniff, stream

_SUFFIXES = ("", ".gz", ".zst", ".xz", ".lz4")
_END = "-- PostgreSQL database cluster dump complete"
_LIMIT = 64 << 20


def find_globals(dump: Path, wanted: str | None) -> Path | None:
    """Raises RecoveryFailed `restore.globals_missing` when the one that is named is not there."""
    if wanted is not None:
        path = dump.parent / Path(wanted).expanduser()
        if not path.is_file():
            raise RecoveryFailed(
                "restore.globals_missing",
                "the globals that the drill names are not there",
                expected=str(path),
                observed="no such file",
                hint="write `restore.globals` relative to the backup's folder",
            )
        return path
    names = (f"{dump.name}.globals.sql", "globals.sql")
    asides = (dump.parent / (name + suffix) for name in names for suffix in _SUFFIXES)
    return next((aside for aside in asides if aside.is_file()), None)


def globals_lines(path: Path) -> Iterator[str]:
    """The file's lines. Raises RecoveryFailed when it is no globals file, or cut short."""
    shape = sniff.sniff(path)
    if shape.form not in ("globals", "cluster"):
        raise RecoveryFailed(
            "restore.globals_unreadable",
            "the globals file is not the output of pg_dumpall --globals-only",
            observed=f"{path.name} is a {shape} dump",
        )
    text = b""
    for chunk in stream.chunks(path, shape.wrapping):
        text += chunk
        if len(text) > _LIMIT:
            raise RecoveryFailed(
                "restore.globals_unreadable",
                "the globals file is too long for roles",
                expected="at most 64 MiB",
                observed=path.name,
                hint="use the output of pg_dumpall --globals-only",
            )
    decoded = text.decode("utf-8", "replace")
    if _END not in decoded:
        raise stream.truncated(f"{path.name} has no line `{_END}`")
    yield from io.StringIO(decoded)
