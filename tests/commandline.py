"""The real command line in a process of its own, and what it left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillctl.evidence.journal import read_journal
from drillctl.evidence.runs import list_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    exit_code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def folder(self) -> Path:
        (folder,) = [path for path in self.out.iterdir() if (path / "journal.jsonl").is_file()]
        return folder

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / "record.json").read_text())
        return record

    @property
    def finding_ids(self) -> set[str]:
        return {finding["id"] for finding in self.record["findings"]}


def drillctl(
    *argv: str, env: Mapping[str, str] | None = None, timeout: float = 180
) -> subprocess.CompletedProcess[str]:
    """The real command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "drillctl", *argv],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        check=False,
    )


def start_drill(drill: Path, out: Path, *argv: str) -> subprocess.Popen[str]:
    """Begin a drill and come back at once."""
    return subprocess.Popen(
        [sys.executable, "-m", "drillctl", "run", str(drill), "--out", str(out), *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def await_moment(out: Path, moment: str, process: subprocess.Popen[str]) -> None:
    """Until the journal holds `moment`, as the kind of an entry or the name of a mark."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for run in list_runs(out):
            for entry in read_journal(run.journal).entries:
                if moment in (entry.kind, entry.data.get("name")):
                    return
        time.sleep(0.005)
    raise AssertionError(f"the drill never came to {moment}")
