"""What a checksum file beside the dump says about it, as findings."""

from __future__ import annotations

from drillctl.evidence.facts import Finding
from drillctl.restore.engines.pg_dump.checksum import Sums
from drillctl.restore.engines.pg_dump.notes import shortened
from drillctl.restore.engines.pg_dump.outcome import failed


def sum_findings(sums: Sums | None) -> tuple[Finding, ...]:
    if sums is None or not sums.wrong:
        return ()
    return (
        failed(
            "checksum_mismatch",
            "the dump is not the one that its checksum file describes",
            expected="the SHA-256 written beside it",
            observed=f"{shortened(sums.wrong)}: another content, or missing",
            hint="the file changed after it was written: compare it with another copy",
        ),
    )
