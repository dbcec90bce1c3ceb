"""What a drill left on the machine: processes, mounts, cgroups, folders, containers, volumes.

Found by looking, not by asking drillctl: from the folder that a test's sandboxes lie in, and from
the names of side effects in the journals of its runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from drillctl.evidence.journal import read_journal

_CGROUPS = Path("/sys/fs/cgroup")


def traces_of(base: Path, journals: Iterable[Path]) -> list[str]:
    """One line for each thing that is still there; `base` is the folder of the sandboxes."""
    names: set[str] = set()
    runs: set[str] = set()
    for journal in journals:
        for entry in read_journal(journal).entries:
            if entry.kind == "effect_intended":
                names.add(str(entry.data["name"]).partition("/")[0])
            if entry.kind == "run_opened":
                runs.add(str(entry.data["run_id"]))
    return [
        *(f"folder {path}" for path in sorted(base.glob("*"))),
        *_processes(str(base)),
        *_mounts(str(base)),
        *_cgroups(names),
        *(_docker(runs) if _has_docker() else ()),
    ]


def processes_under(base: Path, name: str = "") -> list[int]:
    """Pids that belong to sandboxes in `base`, whose program is `name` when one is given."""
    return [pid for pid in _pids(str(base)) if not name or _comm(pid) == name]


def _processes(word: str) -> Iterator[str]:
    for pid in _pids(word):
        yield f"process {pid} {_comm(pid)}"


def _pids(word: str) -> Iterator[int]:
    sign = os.fsencode(word)
    for proc in Path("/proc").iterdir():
        if not proc.name.isdigit() or int(proc.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            texts = [(proc / "cmdline").read_bytes(), os.fsencode((proc / "cwd").readlink())]
            texts.append((proc / "environ").read_bytes())
            state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX" and any(sign in text for text in texts):
                yield int(proc.name)


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _mounts(word: str) -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        where = line.split()[4]
        # The tests themselves may mount a small disk as the base.
        if where.startswith(f"{word}/"):
            yield f"mount {where}"


def _cgroups(names: set[str]) -> Iterator[str]:
    ours = {name for name in names if name.startswith("drillctl-")}
    for folder, below, _ in os.walk(_CGROUPS):
        for name in ours.intersection(below):
            yield f"cgroup {folder}/{name}"


@lru_cache(maxsize=1)
def _has_docker() -> bool:
    try:
        argv = ["docker", "version"]
        return subprocess.run(argv, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _docker(runs: set[str]) -> Iterator[str]:
    for what in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        argv = ["docker", *what, "--filter", "label=drillctl.run", "--format", "{{json .}}"]
        told = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
        for line in told.stdout.splitlines():
            thing = json.loads(line)
            if any(f"drillctl.run={run}" in thing.get("Labels", "") for run in runs):
                yield f"docker {what[0]} {thing.get('Names') or thing.get('Name')}"
