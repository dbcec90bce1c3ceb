"""Which dump is meant: a file, a folder that is one dump, or a folder of dumps."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from drillctl.errors import RecoveryFailed
from drillctl.evidence.facts import Finding
from drillctl.restore.engines.pg_dump import notes, sniff, stream
from drillctl.restore.engines.pg_dump.look import Look, look
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.restore.engines.pg_dump.recovery_point import recovery_point

_UNFINISHED = (".tmp", ".partial", ".part", ".incomplete", ".inprogress")
_NOT_BACKUPS = (".json", ".yaml", ".yml", ".md", ".txt", ".log", ".sha256", ".sha512", ".md5", ".asc", ".sig")  # fmt: skip # noqa: E501
_MANIFESTS = ("SHA256SUMS", "MANIFEST", "README")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A dump that could be read so far. `order` is what `latest` compares."""

    label: str
    look: Look
    consistent_at: datetime | None
    method: str
    doubt: Finding | None

    @property
    def order(self) -> tuple[datetime, str]:
        return self.consistent_at or datetime.fromtimestamp(self.look.modified, UTC), self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Something that lies among the dumps and is none. `modified` is in UTC."""

    label: str
    error: RecoveryFailed
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`databases` are those that the dumps beside it are of."""

    candidate: Candidate
    findings: tuple[Finding, ...]
    databases: tuple[str, ...] = ()


def choose(location: Path, select: str, options: Options, now: datetime) -> Choice:
    """Raises RecoveryFailed with a named finding when there is none or it cannot be read."""
    if not location.is_dir() or (location / sniff.TOC).exists():
        if select not in ("latest", "oldest", "random", location.name):
            raise _no_such_label(select, location, (location.name,))
        return _checked(_candidate(location, location.name, options, now), (), options)
    if (location / "PG_VERSION").exists():
        sniff.sniff(location)  # says that it is a physical backup
    names, unfinished = _names_in(location)
    if select not in ("latest", "oldest", "random"):
        label = _meant(select, names, location)
        return _checked(_candidate(location / label, label, options, now), (), options)
    found, broken = _look_at_all(location, names, options, now)
    ours = [c for c in found if _may_be_of(c.look, options.database)]
    if not ours:
        raise _none(location, found, broken, unfinished, options)
    ours.sort(key=lambda candidate: candidate.order)
    if select == "random":
        chosen = random.Random(options.seed).choice(ours)  # noqa: S311 - a choice, not a secret
    else:
        chosen = ours[-1] if select == "latest" else ours[0]
    findings = tuple(_findings(chosen, ours, broken, unfinished, select))
    databases = sorted({candidate.look.database for candidate in ours} - {""})
    return replace(_checked(chosen, findings, options), databases=tuple(databases))


def _candidate(path: Path, label: str, options: Options, now: datetime) -> Candidate:
    seen = look(path)
    moment, method, doubt = recovery_point(seen, options.timezone, now)
    return Candidate(label=label, look=seen, consistent_at=moment, method=method, doubt=doubt)


def _checked(candidate: Candidate, findings: tuple[Finding, ...], options: Options) -> Choice:
    seen = candidate.look
    if seen.shape.form == "globals":
        raise RecoveryFailed(
            "restore.not_a_dump",
            "this file holds roles and tablespaces only, no database",
            observed=candidate.label,
            hint="name the dump in `restore.from`, and this file in `restore.globals`",
        )
    if not _may_be_of(seen, options.database):
        raise _wrong_database(options.database or "", (seen.database,), candidate.label)
    doubts = (candidate.doubt,) if candidate.doubt else ()
    return Choice(candidate=candidate, findings=(*findings, *doubts))


def _may_be_of(seen: Look, database: str | None) -> bool:
    """False only when the dump says that it is of another database."""
    return not database or not seen.database or seen.database == database


def _names_in(location: Path) -> tuple[list[str], list[str]]:
    """(labels of what may be a dump, labels of what was not finished), one level deep."""
    names: list[str] = []
    unfinished: list[str] = []
    for name in _listed(location):
        path = location / name
        if _is_unfinished(name):
            unfinished.append(name)
        elif path.is_dir() and not (path / sniff.TOC).exists():
            for inner in _listed(path):
                target = unfinished if _is_unfinished(inner) else names
                target.append(f"{name}/{inner}")
        else:
            names.append(name)
    return [name for name in names if not _is_aside(name)], unfinished


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise stream.unreadable(folder, error) from error


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def _is_aside(name: str) -> bool:
    """Notes, seals and checksums that lie beside dumps."""
    return name.lower().endswith(_NOT_BACKUPS) or Path(name).name in _MANIFESTS


def _meant(select: str, names: Sequence[str], location: Path) -> str:
    matches = [name for name in names if select in (name, Path(name).name)]
    if len(matches) != 1:
        raise _no_such_label(select, location, matches or names)
    return matches[0]


def _look_at_all(
    location: Path, names: Sequence[str], options: Options, now: datetime
) -> tuple[list[Candidate], list[Broken]]:
    found: list[Candidate] = []
    broken: list[Broken] = []
    for name in names:
        path = location / name
        try:
            candidate = _candidate(path, name, options, now)
        except RecoveryFailed as error:
            when = datetime.fromtimestamp(os.lstat(path).st_mtime, UTC)
            broken.append(Broken(label=name, error=error, modified=when))
            continue
        if candidate.look.shape.form != "globals":
            found.append(candidate)
    return found, broken


def _findings(
    chosen: Candidate,
    ours: Sequence[Candidate],
    broken: Sequence[Broken],
    unfinished: Sequence[str],
    select: str,
) -> Iterator[Finding]:
    if unfinished:
        yield notes.unfinished_skipped(unfinished)
    databases = sorted({c.look.database for c in ours if c.look.database})
    if len(databases) > 1:
        yield notes.several_databases(databases, chosen.look.database)
    if select != "latest":
        return
    if any(candidate.consistent_at is None for candidate in ours) and len(ours) > 1:
        yield notes.latest_by_file_time(chosen.label)
    newer = [
        item
        for item in broken
        if item.modified.timestamp() >= chosen.look.modified
        and item.error.finding != "restore.not_a_dump"
    ]
    if newer:
        yield notes.newer_is_broken(chosen.label, [(b.label, b.error.finding) for b in newer])


def _none(
    location: Path,
    found: Sequence[Candidate],
    broken: Sequence[Broken],
    unfinished: Sequence[str],
    options: Options,
) -> RecoveryFailed:
    if found and options.database:
        names = sorted({candidate.look.database for candidate in found})
        return _wrong_database(options.database, names, str(location))
    if len(broken) == 1:
        return broken[0].error
    seen = [f"{item.label} ({item.error.finding.split('.')[1]})" for item in broken]
    seen += [f"{name} (unfinished)" for name in unfinished]
    return RecoveryFailed(
        "restore.no_backup_found",
        "searched the backup's location and found no dump",
        expected=f"a dump in {location}, or in a folder inside it",
        observed=", ".join(seen[:10]) or "nothing",
        hint="see whether the job that takes the dumps ran, and where it writes",
    )


def _no_such_label(select: str, location: Path, names: Sequence[str]) -> RecoveryFailed:
    return RecoveryFailed(
        "restore.no_backup_found",
        f"no single backup has the label {select!r}",
        expected="latest, oldest, random, or the name of one dump",
        observed=f"{location} has {', '.join(names[:10]) or 'nothing'}",
    )


def _wrong_database(wanted: str, seen: Sequence[str], where: str) -> RecoveryFailed:
    return RecoveryFailed(
        "restore.wrong_database",
        "the dump is of another database",
        expected=wanted,
        observed=f"{', '.join(seen[:10])} in {where}",
        hint="check `restore.from` and `restore.database`, and what the dump job is told to dump",
    )
