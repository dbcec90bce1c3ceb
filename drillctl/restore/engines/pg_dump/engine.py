"""The engine `pg_dump`: choose, plan and restore, told in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drillctl.clock import Deadline
from drillctl.definition.vocabulary import Spec
from drillctl.evidence.facts import BackupFacts
from drillctl.restore.contract import Backup, Restored, Step, Tell
from drillctl.restore.engines.pg_dump import choose as choosing
from drillctl.restore.engines.pg_dump.look import look, read_archive
from drillctl.restore.engines.pg_dump.needs import needs_of
from drillctl.restore.engines.pg_dump.options import Options
from drillctl.restore.engines.pg_dump.restore_archive import bring_back_archive
from drillctl.restore.engines.pg_dump.restore_plain import bring_back_plain
from drillctl.restore.engines.pg_dump.steps import steps_for
from drillctl.restore.engines.pg_dump.whole import check_whole
from drillctl.sandbox.contract import Sandbox


@dataclass(frozen=True, slots=True)
class PgDump:
    name: str = "pg_dump"
    options: type[Spec] = Options

    def choose(self, location: Path, select: str, options: Spec) -> Backup:
        chosen = choosing.choose(location, select, _ours(options), datetime.now(UTC))
        candidate, seen = chosen.candidate, chosen.candidate.look
        if seen.shape.is_archive:
            _, entries = read_archive(seen.path, seen.shape)
            check_whole(seen.path, seen.shape, seen.size, entries)
        facts = BackupFacts(
            engine=self.name,
            label=candidate.label,
            location=str(seen.path.absolute()),
            format=str(seen.shape),
            size_bytes=seen.size,
            consistent_at=candidate.consistent_at,
            consistent_at_method=candidate.method,
            source_database=seen.database,
            source_version=seen.server,
        )
        return Backup(
            path=seen.path.resolve(), facts=facts, needs=needs_of(seen), findings=chosen.findings
        )

    def plan(self, backup: Backup, options: Spec, jobs: int) -> Sequence[Step]:
        return steps_for(look(backup.path), _ours(options), jobs)

    def restore(
        self,
        backup: Backup,
        options: Spec,
        sandbox: Sandbox,
        *,
        jobs: int,
        timeout: timedelta,
        tell: Tell,
    ) -> Restored:
        ours, deadline = _ours(options), Deadline(timeout.total_seconds())
        seen = look(backup.path)
        if seen.shape.is_archive:
            return bring_back_archive(
                seen, ours, sandbox, jobs=ours.jobs or jobs, deadline=deadline, tell=tell
            )
        return bring_back_plain(seen, ours, sandbox, deadline=deadline, tell=tell)


def _ours(options: Spec) -> Options:
    if not isinstance(options, Options):
        raise TypeError(f"options of another engine: {type(options).__name__}")
    return options
