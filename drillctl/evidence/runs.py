"""Runs on disk: `runs/<run-id>/` with a journal, a record and the debriefs. Writes are atomic."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from drillctl.evidence.assemble import assemble
from drillctl.evidence.journal import Reading, read_journal, sync_folder
from drillctl.evidence.owner import Owner, is_alive
from drillctl.evidence.record import DrillRecord

JOURNAL = "journal.jsonl"
RECORD = "record.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / JOURNAL

    def write(self, name: str, text: str) -> Path:
        """Write one file whole or not at all."""
        return write_atomically(self.path / name, text)

    def read(self) -> DrillRecord:
        """Assemble the record from the journal: the journal is the truth, `record.json` a copy.

        Raises FileNotFoundError without a journal, ValueError when it says nothing.
        """
        reading = self._reading()
        try:
            owner = reading.entries[0].data.get("owner") if reading.entries else None
            alive = bool(owner and is_alive(Owner.from_dict(owner)))
            return assemble(reading, alive=alive)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a fact in the journal has an unknown shape: {error!r}") from error

    def _reading(self) -> Reading:
        """A journal cut exactly at a line's end is a chain too; only the record remembers more."""
        reading = read_journal(self.journal)
        head = self._recorded_head()
        if not reading.intact or head is None or head in {entry.hash for entry in reading.entries}:
            return reading
        last = len(reading.entries)
        reason = f"{RECORD} was made from more entries than the {last} that are left"
        return Reading(entries=reading.entries, broken_after=last, reason=reason)

    def _recorded_head(self) -> str | None:
        """The hash that `record.json` was assembled up to; None when there is no such file."""
        try:
            head = json.loads((self.path / RECORD).read_bytes())["journal"]["head"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return f"{RECORD} cannot be read"
        return str(head)


def new_run(out: Path, drill: str, at: datetime) -> RunFolder:
    """Make a fresh run folder under `out`, readable by its owner only."""
    out.mkdir(parents=True, exist_ok=True)
    run_id = f"{at:%Y%m%dT%H%M%SZ}-{drill}-{secrets.token_hex(3)}"
    path = out / run_id
    path.mkdir(mode=0o700)
    sync_folder(out)
    return RunFolder(path=path)


def list_runs(out: Path) -> tuple[RunFolder, ...]:
    """Every run under `out`, oldest first."""
    if not out.is_dir():
        return ()
    return tuple(
        RunFolder(path=path) for path in sorted(out.iterdir()) if (path / JOURNAL).is_file()
    )


def write_atomically(path: Path, text: str) -> Path:
    """Write beside, flush, rename over: a reader sees the old file or the new one."""
    fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    sync_folder(path.parent)
    return path
