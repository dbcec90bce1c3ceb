"""A custom, directory or tar archive through pg_restore, in one call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drillctl.clock import Deadline
from drillctl.command import Command, Completed
from drillctl.errors import RecoveryFailed, SandboxError
from drillctl.evidence.facts import Finding
from drillctl.evidence.verdict import Verdict
from drillctl.restore.contract import Tell
from drillctl.restore.engines.pg_dump import complaints as causes
from drillctl.restore.engines.pg_dump import outcome, stream
from drillctl.restore.engines.pg_dump.archive import Entry
from drillctl.restore.engines.pg_dump.complaints import Complaint, Complaints
from drillctl.restore.engines.pg_dump.feed import Feed
from drillctl.restore.engines.pg_dump.look import Look, major
from drillctl.restore.engines.pg_dump.notes import shortened
from drillctl.restore.engines.pg_dump.progress import Progress
from drillctl.sandbox.contract import Sandbox

LEFT_OUT = ("--no-tablespaces", "--no-subscriptions", "--no-publications", "--no-security-labels")
_FATAL = (causes.MISSING_FILE, causes.TRUNCATED, causes.CORRUPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One restore: `database` is the one made for it."""

    look: Look
    entries: Sequence[Entry]
    database: str
    jobs: int


def restore_archive(
    job: Job, sandbox: Sandbox, deadline: Deadline, tell: Tell
) -> tuple[Finding, ...]:
    """Raises RecoveryFailed when the archive cannot be read, SandboxError for the machine."""
    progress = Progress(tell, len(job.entries))
    labels = {entry.number: str(entry) for entry in job.entries}
    complaints = Complaints(labels, progress.step)
    packed = bool(job.look.shape.wrapping)
    feed = Feed(stream.chunks(job.look.path, job.look.shape.wrapping)) if packed else None
    done = sandbox.run(
        command_for(job, sandbox),
        timeout=deadline.remaining(),
        feed=feed,
        on_stderr=complaints.take,
    )
    if done.exit_code != 0 or complaints.count or (feed and feed.error):
        outcome.blame_sandbox_first(sandbox)
    if done.timed_out:
        raise outcome.timed_out("pg_restore", deadline.seconds, progress.text)
    outcome.blame_killer(sandbox, "pg_restore", done.exit_code, progress.text)
    if feed is not None:
        feed.raise_error()
    return judge(done, complaints, job.look, sandbox.major)


def command_for(job: Job, sandbox: Sandbox) -> Command:
    argv = [sandbox.tool("pg_restore"), "--dbname", conninfo(job.database), *LEFT_OUT]
    argv += ["--verbose", "--no-password"]
    shape = job.look.shape
    if shape.wrapping:
        argv += ["--format", shape.form]
    else:
        if shape.form != "tar" and job.jobs > 1:
            argv += ["--jobs", str(job.jobs)]
        argv.append(sandbox.inside(job.look.path))
    return Command(argv=tuple(argv), purpose="restore the archive")


def conninfo(database: str) -> str:
    """A name such as `a=b` would be taken for a connection string."""
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def judge(
    done: Completed, complaints: Complaints, look: Look, sandbox_major: int
) -> tuple[Finding, ...]:
    """Every printed error is a finding, and neither exit code is believed alone."""
    kept = complaints.kept
    _raise_for_sandbox(kept, sandbox_major)
    for cause in _FATAL:
        hits = [complaint for complaint in kept if complaint.cause == cause]
        if hits:
            raise _unreadable(cause, hits, kept)
    if done.exit_code != 0 and (cause := causes.cause_in_pieces(done.stderr)):
        raise outcome.unreadable(cause, _TITLES[cause], "pg_restore said so")
    findings = list(_statement_findings(kept, complaints.count, look, sandbox_major))
    if complaints.warnings:
        findings.append(
            outcome.failed(
                "tool_warned",
                "pg_restore warned",
                observed=shortened(complaints.warnings, 5),
                verdict=Verdict.INCONCLUSIVE,
            )
        )
    if done.exit_code != 0 and not complaints.count:
        findings.append(
            outcome.failed(
                "tool_failed",
                "pg_restore failed without saying why",
                expected="exit code 0",
                observed=f"exit code {done.exit_code}",
            )
        )
    return tuple(findings)


def _raise_for_sandbox(kept: Sequence[Complaint], sandbox_major: int) -> None:
    by_cause = {complaint.cause: complaint for complaint in reversed(kept)}
    if found := by_cause.get("newer_archive"):
        raise SandboxError(
            "restore.newer_archive",
            "the archive was written by a newer pg_dump than the sandbox can read",
            expected=f"an archive that PostgreSQL {sandbox_major} can read",
            observed=found.message,
            hint="use an image of the major that took the dump, or a newer one",
        )
    if found := by_cause.get("no_compression"):
        raise SandboxError(
            "sandbox.compression_missing",
            "the sandbox's pg_restore was built without the archive's compression",
            observed=found.message,
            hint="use a Docker image of the source's major (`sandbox.image`)",
        )
    if found := by_cause.get("locale_missing"):
        raise SandboxError(
            "sandbox.locale_missing",
            "the sandbox lacks a collation that the dump needs",
            observed=f"{found.where}: {found.message}",
            hint="use an image that has the source's locales",
        )
    if found := by_cause.get("extension_missing"):
        raise outcome.extensions_missing([found.where or found.message], sandbox_major)
    if found := by_cause.get("connection_lost"):
        raise SandboxError(
            "sandbox.server_gone",
            "the sandbox's server ended a session of the restore",
            observed=f"{found.where}: {found.message}",
            hint="see the sandbox's log for why; give it more memory or disk",
        )


_OF_VERSION = re.compile(
    r"does not exist|syntax error|unrecognized|not supported|no longer|must be|cannot be used"
)
_TITLES = {
    "role_missing": "the dump needs roles that are not there",
    "tool_failed": "pg_restore failed",
    causes.MISSING_FILE: "a file of the dump is missing",
    causes.TRUNCATED: "the archive is cut short",
    causes.CORRUPT: "the archive is damaged",
}


def _unreadable(cause: str, hits: Sequence[Complaint], kept: Sequence[Complaint]) -> RecoveryFailed:
    where = shortened(sorted({hit.where for hit in hits if hit.where}) or ["the archive"])
    more = f" ({len(kept)} errors in all)" if len(kept) > 1 else ""
    return outcome.unreadable(cause, _TITLES[cause], f"{where}: {hits[0].message}{more}")


def _statement_findings(
    kept: Sequence[Complaint], count: int, look: Look, sandbox_major: int
) -> Iterator[Finding]:
    for cause in ("role_missing", "statement_failed", "tool_failed"):
        hits = [complaint for complaint in kept if complaint.cause == cause]
        if not hits:
            continue
        number = count - (len(kept) - len(hits))
        observed = shortened(
            [f"{hit.where}: {hit.message}" if hit.where else hit.message for hit in hits], 5
        )
        if cause == "statement_failed":
            yield outcome.refused(
                f"{number} statements of the dump failed",
                observed,
                majors=(major(look.server), sandbox_major),
                of_version=all(_OF_VERSION.search(hit.message) for hit in hits),
            )
        else:
            yield outcome.failed(cause, _TITLES[cause], expected="no error", observed=observed)
