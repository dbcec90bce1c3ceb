"""A plain dump through psql: streamed, watched, and judged by more than an exit code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from drillctl.clock import Deadline
from drillctl.command import Command, Completed
from drillctl.errors import SandboxError
from drillctl.evidence.facts import Finding
from drillctl.restore.contract import Tell
from drillctl.restore.engines.pg_dump import outcome, stream
from drillctl.restore.engines.pg_dump.feed import Feed
from drillctl.restore.engines.pg_dump.head import without_globals
from drillctl.restore.engines.pg_dump.look import Look, major
from drillctl.restore.engines.pg_dump.notes import shortened
from drillctl.restore.engines.pg_dump.progress import ByteProgress
from drillctl.restore.engines.pg_dump.provide import Provider
from drillctl.restore.engines.pg_dump.psql_errors import (
    DUPLICATE_DATABASE,
    PsqlErrors,
    is_undefined,
)
from drillctl.restore.engines.pg_dump.run_archive import conninfo
from drillctl.restore.engines.pg_dump.scan import Scan
from drillctl.restore.engines.pg_dump.server import state_name
from drillctl.sandbox.contract import Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRun:
    scan: Scan
    provider: Provider
    globals: list[str]
    findings: tuple[Finding, ...]


def restore_plain(
    seen: Look, database: str, sandbox: Sandbox, deadline: Deadline, tell: Tell
) -> PlainRun:
    """Raises RecoveryFailed for a damaged or cut dump, SandboxError for the machine's part."""
    provider = Provider(sandbox)
    scan = Scan(provider, cluster=seen.shape.form == "cluster")
    errors = PsqlErrors(
        lambda line, state: _by_plan(line, state, provider, scan),
    )
    progress = ByteProgress(tell, seen.size)
    globals_found: list[str] = []
    ended = threading.Event()

    def blocks() -> Iterator[bytes]:
        chunks = stream.chunks(seen.path, seen.shape.wrapping)
        if seen.shape.form == "cluster":
            chunks = without_globals(chunks, globals_found, sandbox, provider)
        for block in scan.lines(chunks):
            if not errors.hopeless:
                progress.amount(len(block))
                yield block
            elif not seen.shape.wrapping:
                return
            # Else read on: the stream's own checksum may say why its content makes no sense.
        ended.set()

    feed = Feed(blocks())
    done = sandbox.run(
        _command(database, sandbox),
        timeout=deadline.remaining(),
        feed=feed,
        on_stderr=errors.take,
    )
    if done.exit_code != 0 or errors.count or feed.error:
        outcome.blame_sandbox_first(sandbox)
    if done.timed_out:
        raise outcome.timed_out("psql", deadline.seconds, progress.text)
    outcome.blame_killer(sandbox, "psql", done.exit_code, progress.text)
    findings = judge(done, errors, scan, seen, sandbox.major)
    # A cut stream explains the syntax error at its end, not the other way round.
    feed.raise_error()
    if ended.is_set() and not scan.complete:
        raise stream.truncated(
            f"the dump ends in {scan.label_at(1 << 61)}, without the line that pg_dump writes last"
        )
    return PlainRun(scan=scan, provider=provider, globals=globals_found, findings=findings)


def _command(database: str, sandbox: Sandbox) -> Command:
    return Command(
        argv=(
            sandbox.tool("psql"),
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--variable=ON_ERROR_STOP=0",
            "--variable=VERBOSITY=sqlstate",
            "--variable=SHOW_CONTEXT=never",
            "--output=/dev/null",
            "--file=-",
            "--dbname",
            conninfo(database),
        ),
        purpose="restore the plain dump",
    )


def _by_plan(line: int, state: str, provider: Provider, scan: Scan) -> bool:
    """We made the database before the dump did; and a `--clean` dump drops what is not there."""
    if state == DUPLICATE_DATABASE:
        return line in provider.created_at
    return is_undefined(state) and line < scan.first_entry_line


def judge(
    done: Completed, errors: PsqlErrors, scan: Scan, seen: Look, sandbox_major: int
) -> tuple[Finding, ...]:
    if errors.lost_server:
        raise SandboxError(
            "sandbox.server_gone",
            "the sandbox's server ended the restore's session",
            observed=scan.label_at(errors.kept[-1].line) if errors.kept else "",
            hint="see the sandbox's log for why; give it more memory or disk",
        )
    findings = []
    if errors.count:
        shown = [
            f"{scan.label_at(refusal.line)} (line {refusal.line}): {state_name(refusal.state)}"
            for refusal in errors.kept
        ]
        stopped = "; stopped there" if errors.hopeless else ""
        findings.append(
            outcome.refused(
                f"{errors.count} statements of the dump failed",
                shortened(shown, 5) + stopped,
                majors=(major(seen.server), sandbox_major),
                of_version=all(refusal.state[:2] in ("42", "0A") for refusal in errors.kept),
            )
        )
    if done.exit_code != 0 and not errors.count:
        findings.append(
            outcome.failed(
                "tool_failed",
                "psql failed without saying why",
                expected="exit code 0",
                observed=f"exit code {done.exit_code}",
            )
        )
    return tuple(findings)
