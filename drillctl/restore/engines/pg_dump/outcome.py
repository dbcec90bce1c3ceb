"""From what went wrong to findings by name, the machine's own trouble asked first."""

from __future__ import annotations

import time
from collections.abc import Sequence

from drillctl.clock import Deadline
from drillctl.errors import RecoveryFailed, SandboxError
from drillctl.evidence.facts import Finding, Room, Severity
from drillctl.evidence.verdict import Verdict
from drillctl.restore.engines.pg_dump.notes import shortened
from drillctl.restore.engines.pg_dump.present import Absent
from drillctl.sandbox.contract import Sandbox

# By SIGHUP, SIGINT, SIGKILL or SIGTERM, as a parent sees it and as a shell or an engine says it.
_KILLED = frozenset(code for signum in (1, 2, 9, 15) for code in (-signum, 128 + signum))


def failed(
    finding: str,
    title: str,
    *,
    observed: str = "",
    expected: str = "",
    hint: str = "",
    verdict: Verdict = Verdict.FAILED,
) -> Finding:
    severity = Severity.CRITICAL if verdict == Verdict.FAILED else Severity.MAJOR
    return Finding(
        id=f"restore.{finding}",
        room=Room.RESTORE,
        severity=severity if verdict != Verdict.PASSED else Severity.MINOR,
        title=title,
        expected=expected,
        observed=observed,
        hint=hint,
        verdict=verdict,
    )


def blame_sandbox_first(sandbox: Sandbox) -> None:
    """A full disk or an OOM kill must never pass for a bad backup. Raises SandboxError."""
    trouble = sandbox.trouble()
    if trouble is not None:
        raise SandboxError(
            trouble.finding, trouble.title, observed=trouble.observed, hint=trouble.hint
        )


def blame_killer(
    sandbox: Sandbox, client: str, exit_code: int | None, doing: str, seconds: float = 2.0
) -> None:
    """A client that was killed read the dump half: that says nothing about the other half. A crash
    of its own (SIGSEGV) may be the dump's doing and is judged with it. Raises SandboxError: the
    sandbox's own trouble, waited for since it may show a moment later, or the killed client."""
    if exit_code not in _KILLED:
        return
    deadline = Deadline(seconds)
    while not deadline.passed:
        blame_sandbox_first(sandbox)
        time.sleep(0.05)
    raise client_killed(client, doing)


def client_killed(client: str, doing: str) -> SandboxError:
    return SandboxError(
        "sandbox.client_killed",
        f"{client} was killed while it restored",
        expected="a client that runs to its end",
        observed=doing,
        hint="look for who killed it (`dmesg`, limits of the machine, other users) and run again",
    )


def timed_out(doing: str, seconds: float, progress: str) -> SandboxError:
    return SandboxError(
        "restore.timed_out",
        f"{doing} did not end within its time",
        expected=f"at most {seconds:.0f} s",
        observed=progress,
        hint="give `sandbox.timeout` more time, or more `cpus`",
    )


def extensions_missing(missing: Sequence[str], major: int) -> SandboxError:
    return SandboxError(
        "sandbox.extension_missing",
        f"the sandbox lacks extensions that the dump needs: {', '.join(sorted(missing))}",
        expected="every extension of the source",
        observed=f"PostgreSQL {major} without them",
        hint="use a Docker image that has them (`sandbox.image`), or install their packages",
    )


def absent_findings(absent: Absent) -> tuple[Finding, ...]:
    findings = []
    if absent.objects:
        findings.append(
            failed(
                "object_missing",
                f"{len(absent.objects)} objects that the dump lists are not there",
                observed=shortened(absent.objects),
                hint="see the failed statements above; the dump may be damaged",
            )
        )
    if absent.invalid:
        findings.append(
            failed("index_invalid", "indexes are invalid", observed=shortened(absent.invalid))
        )
    expected, observed = absent.large_objects
    if observed < expected:
        findings.append(
            failed(
                "object_missing",
                "large objects that the dump lists are not there",
                expected=str(expected),
                observed=str(observed),
            )
        )
    return tuple(findings)


def refused(
    title: str, observed: str, *, majors: tuple[int | None, int], of_version: bool
) -> Finding:
    """Statements that the server refused. In another major than the source's, what a version may
    have changed (`of_version`) does not count against the dump, nor for it."""
    source, here = majors
    other = source != here
    return failed(
        "statement_failed",
        title,
        expected="no error",
        observed=f"{observed} (in PostgreSQL {here}{f', taken from {source}' if other else ''})",
        hint=f"restore into PostgreSQL {source} to tell the dump's fault from the version's"
        if other and of_version
        else "restore by hand and see the statement; errors are never ignored here",
        verdict=Verdict.INCONCLUSIVE if other and of_version else Verdict.FAILED,
    )


def role_findings(
    missing: Sequence[str],
    refused: Sequence[tuple[str, str]],
    *,
    have_globals: bool,
    create: bool,
) -> tuple[Finding, ...]:
    findings = []
    if missing:
        strict = have_globals or not create
        findings.append(
            failed(
                "role_missing",
                "roles that the dump names are not in its globals"
                if have_globals
                else "the dump comes without its globals, so its roles are stand-ins",
                expected="globals that describe every role",
                observed=shortened(sorted(missing)),
                hint="take `pg_dumpall --globals-only` with each dump; set `restore.globals`",
                verdict=Verdict.FAILED if strict else Verdict.PASSED,
            )
        )
    if refused:
        findings.append(
            failed(
                "statement_failed",
                f"{len(refused)} statements about roles or the database failed",
                observed=shortened([f"{what}: {why}" for what, why in refused]),
            )
        )
    return tuple(findings)


def data_findings(
    left_out: Sequence[str], declared: Sequence[str], every: bool
) -> tuple[Finding, ...]:
    """Tables that the dump defines without their rows, unless the drill says that it is meant.
    `every`: the dump has no rows at all."""
    undeclared = sorted(set(left_out) - set(declared))
    if not undeclared:
        return ()
    return (
        failed(
            "schema_only" if every else "rows_left_out",
            "the dump holds no rows of any table"
            if every
            else "the dump defines tables whose rows were left out of it",
            expected="rows of every table, or the table named in `restore.without_data`",
            observed=shortened(undeclared),
            hint="see pg_dump's --schema-only and --exclude-table-data in the dump job",
        ),
    )


def unreadable(cause: str, title: str, observed: str) -> RecoveryFailed:
    return RecoveryFailed(
        f"restore.{cause}",
        title,
        observed=observed,
        hint="compare the dump with the copy where it was taken, and take a new one",
    )
