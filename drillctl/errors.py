"""Errors, named by who must act. Messages are lowercase, without a full stop, with a hint.

DefinitionError   the author of a drill or environment file        exit 2
SandboxError      whoever owns the machine; never the backup's fault  exit 3
UnsafeError       nobody: drillctl refused                          exit 4
RecoveryFailed    it is the drill's result                          exit 1
Interrupted       the operator asked us to stop                     exit 130

Anything else that escapes is our bug and exits 70.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in one file. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    message: str
    expected: str = ""
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        parts = [f"{where}: {self.message}"]
        if self.expected:
            parts.append(f"  expected: {self.expected}")
        if self.hint:
            parts.append(f"  hint: {self.hint}")
        return "\n".join(parts)


class DrillctlError(Exception):
    """Base of every expected error. `hint` says what to do next."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DefinitionError(DrillctlError):
    """A drill or environment file is wrong. Carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class NamedError(DrillctlError):
    """An error that becomes a finding: `finding` is its id, such as `restore.archive_truncated`."""

    def __init__(
        self, finding: str, message: str, *, expected: str = "", observed: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.finding = finding
        self.expected = expected
        self.observed = observed


class SandboxError(NamedError):
    """The place we restore into failed or is missing. Makes a drill inconclusive, never failed."""

    exit_code = 3


class RecoveryFailed(NamedError):  # noqa: N818 - it is a result, not an error of ours
    """The backup could not be brought back. Fails the drill."""

    exit_code = 1


class UnsafeError(DrillctlError):
    """Refused: going on could touch something that is not ours."""

    exit_code = 4


class Interrupted(DrillctlError):  # noqa: N818 - an event, not an error
    """SIGINT, SIGTERM or SIGHUP arrived; teardown follows."""

    exit_code = 130
