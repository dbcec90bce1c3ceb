"""Ground of a test's own for drills that are meant to go wrong: sandboxes lie under a folder that
no other test uses, so that whatever is left can be told from what others run on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from drillctl.evidence.journal import read_journal
from drillctl.evidence.runs import RunFolder, list_runs
from tests.commandline import Ran
from tests.sabotage.traces import traces_of

FULL = os.environ.get("DRILLCTL_CRASH") == "full"
Case = TypeVar("Case")


def first(count: int, *every: Case) -> tuple[Case, ...]:
    """The cases of every test run; all of them in `make crash`."""
    return every if FULL else every[:count]


DRILL = """\
name: {name}
objectives: {objectives}
restore: {{engine: pg_dump, from: {dump}}}
sandbox: {{provider: {provider}, cpus: 1, memory: {memory}, timeout: {timeout}}}
validate:
{checks}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`base`: where sandboxes are made. `folder`: drill files, and runs in folders of their own."""

    base: Path
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "DRILLCTL_SANDBOX_DIR": str(self.base)}

    def drill(
        self,
        dump: Path,
        *checks: str,
        name: str = "fault",
        provider: str = "process",
        memory: str = "512MiB",
        timeout: str = "2m",
        rto: str = "2m",
        more: str = "",
    ) -> Path:
        """A drill file; `checks` are one-line YAML items of `validate:`."""
        path = self.folder / f"{name}-{provider}.yaml"
        text = DRILL.format(
            name=name,
            dump=dump,
            # A plain dump does not say when it was taken.
            objectives=f"{{rto: {rto}}}" if dump.suffix == ".sql" else f"{{rto: {rto}, rpo: 1d}}",
            provider=provider,
            memory=memory,
            timeout=timeout,
            checks="\n".join(f"  - {check}" for check in checks),
        )
        path.write_text(text + more)
        return path

    def fresh_out(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="runs-", dir=self.folder))

    def run(
        self, drill: Path, *argv: str, env: Mapping[str, str] | None = None, timeout: float = 120
    ) -> Ran:
        """A drill to its end, into runs of its own."""
        out = self.fresh_out()
        done = self.call("run", str(drill), "--out", str(out), *argv, env=env, timeout=timeout)
        return Ran(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, out=out)

    def call(
        self, *argv: str, env: Mapping[str, str] | None = None, timeout: float = 120, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "drillctl", *argv],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**self.env, **(env or {})},
            check=False,
            **more,
        )

    def start(
        self, drill: Path, out: Path, *argv: str, env: Mapping[str, str] | None = None, **more: Any
    ) -> subprocess.Popen[str]:
        """A drill in a session of its own; its two streams are pipes unless `more` says else."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        return subprocess.Popen(
            [sys.executable, "-m", "drillctl", "run", str(drill), "--out", str(out), *argv],
            text=True,
            env={**self.env, **(env or {})},
            start_new_session=True,
            **streams,
        )

    def sweep(self) -> None:
        """Must remove everything and say so."""
        done = self.call("sweep")
        assert done.returncode == 0, done.stdout + done.stderr

    def traces(self) -> list[str]:
        """Whatever of any drill of this ground is still on the machine."""
        journals = [run.journal for out in self.folder.glob("runs*") for run in list_runs(out)]
        return traces_of(self.base, journals)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    base = Path(tempfile.mkdtemp(prefix="dft-", dir="/var/tmp"))
    base.chmod(0o755)
    ground = Ground(base=base, folder=tmp_path)
    try:
        yield ground
        left = ground.traces()
        assert left == [], "a test left traces on the machine"
    finally:
        ground.call("sweep")
        shutil.rmtree(base, ignore_errors=True)


def only_run(out: Path) -> RunFolder:
    (run,) = list_runs(out)
    return run


def said_in(ran: Ran) -> str:
    """Everything that a drill let out: both streams and every file of its run."""
    files = [path.read_text("utf-8", "replace") for path in ran.folder.iterdir() if path.is_file()]
    return "\n".join([ran.stdout, ran.stderr, *files])


def kinds(run: RunFolder) -> list[str]:
    return [entry.kind for entry in read_journal(run.journal).entries]


def finding(ran: Ran, name: str) -> dict[str, Any]:
    found = [each for each in ran.record["findings"] if each["id"] == name]
    assert found, (name, json.dumps(ran.record["findings"], indent=1))
    first: dict[str, Any] = found[0]
    return first
