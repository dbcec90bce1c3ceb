"""Which environment file a drill means, by name or by path."""

from __future__ import annotations

import os
import re
from pathlib import Path

from drillctl.definition.document import Report
from drillctl.definition.guess import did_you_mean, one_of, shown

FOLDER = "environments"
SUFFIXES = (".yaml", ".yml")
_PATH = ("environment",)


def find_environment(written: str, drill: Path, report: Report) -> Path | None:
    """The file, in the way its path would be written; None after a problem was reported.

    A name is looked for in the nearest folder `environments` beside the drill or above it.
    """
    if written.endswith(SUFFIXES):
        found = drill.parent / written
        if not _is_file(found):
            message = f"there is no environment file {shown(str(found))}"
            report.add(_PATH, message, hint="check the path")
            return None
        return found
    if not re.fullmatch(r"[a-z0-9-]{1,63}", written):
        report.add(
            _PATH,
            f"{shown(written)} is not the name of an environment",
            expected="a name of a-z, 0-9 and `-`, or a path ending in .yaml",
        )
        return None
    folder = _nearest(drill)
    if folder is None:
        report.add(
            _PATH,
            f"there is no environment {written!r}: no folder `{FOLDER}` lies beside the drill or "
            "above it",
            hint=f"make {FOLDER}/{written}.yaml, or write a path ending in .yaml",
        )
        return None
    files = (folder / (written + suffix) for suffix in SUFFIXES)
    known = next((file for file in files if _is_file(file)), None)
    if known is None:
        names = sorted(p.stem for p in folder.glob("*") if p.suffix in SUFFIXES and _is_file(p))
        report.add(
            _PATH,
            f"there is no environment {written!r} in {_as_written(folder, drill)}",
            expected=one_of(names) if names else "",
            hint=did_you_mean(written, names) or f"make {FOLDER}/{written}.yaml",
        )
        return None
    return _as_written(known, drill)


def _nearest(drill: Path) -> Path | None:
    above = drill.absolute().parents
    return next((up / FOLDER for up in above if os.path.isdir(up / FOLDER)), None)  # noqa: PTH112


def _is_file(path: Path) -> bool:
    """Unlike Path.is_file, False also for a path that is too long or not ours to look at."""
    return os.path.isfile(path)  # noqa: PTH113


def _as_written(found: Path, drill: Path) -> Path:
    """Relative where the user wrote the drill's path relative: messages stay short."""
    return found if drill.is_absolute() else Path(os.path.relpath(found))
