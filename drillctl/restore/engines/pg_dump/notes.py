"""Findings of the choice: what a person should know before the restore begins."""

from __future__ import annotations

from collections.abc import Sequence

from drillctl.evidence.facts import Finding, Room, Severity
from drillctl.evidence.verdict import Verdict


def unfinished_skipped(names: Sequence[str]) -> Finding:
    return Finding(
        id="restore.unfinished_skipped",
        room=Room.RESTORE,
        severity=Severity.INFO,
        title="unfinished or hidden files among the backups were left alone",
        observed=shortened(names),
        hint="a file that stays unfinished is a backup job that died",
        verdict=Verdict.PASSED,
    )


def several_databases(names: Sequence[str], chosen: str) -> Finding:
    return Finding(
        id="restore.database_ambiguous",
        room=Room.RESTORE,
        severity=Severity.MAJOR,
        title="the backups are of several databases, and the drill does not say which is meant",
        expected="one database, or `restore.database`",
        observed=f"{shortened(names)}; took {chosen}",
        hint="name the database in `restore.database`",
        verdict=Verdict.INCONCLUSIVE,
    )


def latest_by_file_time(label: str) -> Finding:
    return Finding(
        id="restore.latest_by_file_time",
        room=Room.RESTORE,
        severity=Severity.MINOR,
        title="some backups do not carry their time, so the latest was found by file times",
        observed=f"took {label}",
        hint="a custom or directory dump carries its time; a plain one does with --verbose",
        verdict=Verdict.PASSED,
    )


def newer_is_broken(chosen: str, broken: Sequence[tuple[str, str]]) -> Finding:
    return Finding(
        id="restore.newest_backup_broken",
        room=Room.RESTORE,
        severity=Severity.CRITICAL,
        title="a newer backup is there and cannot be read; an older one was taken",
        expected="the newest backup can be read",
        observed=f"{shortened([f'{name} ({why})' for name, why in broken])}; took {chosen}",
        hint="see why the newest dump is broken; until then data since the older one is lost",
        verdict=Verdict.FAILED,
    )


def shortened(names: Sequence[str], limit: int = 10) -> str:
    """`a, b, c and 12 more`."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
