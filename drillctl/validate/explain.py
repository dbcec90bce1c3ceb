"""Why a check could not look: an exception into a finding, without a value of any row in it."""

from __future__ import annotations

import re
import traceback

import psycopg
from psycopg import errors

from drillctl.errors import NamedError
from drillctl.evidence.facts import Finding, Room, Severity
from drillctl.evidence.verdict import Verdict
from drillctl.validate.contract import Incomparable, finding

# Classes of SQLSTATE whose messages the server itself words (Appendix A of the manual).
_SERVERS_OWN = ("0A", "21", "22", "25", "42", "53", "54", "55", "57", "58", "XX")
_DAMAGE = ("XX001", "XX002", "58P01")
_HIDDEN = "…"


def explain(error: BaseException, known: str) -> Finding:
    """`known` is the author's own text: only words that stand in it may be repeated."""
    if isinstance(error, NamedError):
        return Finding(
            id=error.finding,
            room=Room.SANDBOX,
            severity=Severity.MAJOR,
            title=error.message,
            expected=error.expected,
            observed=error.observed,
            hint=error.hint,
            verdict=Verdict.INCONCLUSIVE,
        )
    if isinstance(error, psycopg.Error):
        return _of_server(error, known)
    if isinstance(error, Incomparable):
        return finding(
            "check_broken",
            str(error),
            hint="mend the check in the drill file",
            verdict=Verdict.INCONCLUSIVE,
        )
    return finding(
        "check_crashed",
        "the check itself crashed",
        observed=f"{type(error).__name__} in {_where(error)}",
        hint="this is a bug of the check, not of the backup: please report it",
        verdict=Verdict.INCONCLUSIVE,
    )


def timed_out(seconds: float, *, started: bool = True) -> Finding:
    """The check's deadline, or that of all checks together, came first."""
    return finding(
        "timed_out",
        "the check did not end in time" if started else "there was no time left for the check",
        expected=f"an answer within {seconds:.0f} s" if started else "",
        hint="raise the check's `deadline`, or give the sandbox more cpus and memory",
        verdict=Verdict.INCONCLUSIVE,
    )


def _of_server(error: psycopg.Error, known: str) -> Finding:
    state = error.sqlstate
    if isinstance(error, errors.QueryCanceled):
        return timed_out(0)
    if state in _DAMAGE:
        return finding(
            "data_corrupted",
            "the server could not read the restored data: a page or a file is damaged",
            expected="every page can be read",
            observed=describe(error, known),
            hint="restore an older backup, and verify this one where it is stored",
        )
    if state is None and isinstance(error, errors.OperationalError):
        lost = "the connection was lost" if _connected(error) else "no connection could be made"
        return _lost(lost, describe(error, known))
    if state is not None and state[:2] in ("08", "53", "57"):
        return _lost("the server gave up", describe(error, known))
    return finding(
        "check_broken",
        "the check's SQL could not be run",
        observed=describe(error, known),
        hint="try the same statement on the source: what the check asks may not fit the schema",
        verdict=Verdict.INCONCLUSIVE,
    )


def _lost(title: str, observed: str) -> Finding:
    return finding(
        "connection_lost",
        title,
        observed=observed,
        hint="look at the sandbox's own trouble: its memory, its disk, its time limit",
        verdict=Verdict.INCONCLUSIVE,
    )


def _connected(error: psycopg.Error) -> bool:
    return "connection failed" not in str(error) and "timeout expired" not in str(error)


def describe(error: psycopg.Error, known: str) -> str:
    """SQLSTATE, its name, and the primary message where the server worded it; never the DETAIL,
    the CONTEXT or what a function of the restored database chose to say."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    if error.sqlstate is None:
        return f"{type(error).__name__}{notes}"
    named = f"SQLSTATE {error.sqlstate} {type(error).__name__}"
    said = error.diag.message_primary or ""
    if error.sqlstate[:2] not in _SERVERS_OWN or _raised_by_a_function(error):
        return named + notes
    return f"{named}: {without_values(said, known)}{notes}"


def _raised_by_a_function(error: psycopg.Error) -> bool:
    source = f"{error.diag.source_file} {error.diag.source_function}"
    return "exec_stmt_raise" in source or not source.strip("None ")


def without_values(message: str, known: str) -> str:
    """`message` with every quoted part, number or byte that is no word of `known` blotted out."""

    def told(part: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", known) is not None

    parts = message.split('"')
    if len(parts) % 2 == 0 or not all(map(told, parts[1::2])):
        first, last = message.find('"'), message.rfind('"')
        rest = message[last + 1 :] if last > first else ""
        message = f'{message[:first]}"{_HIDDEN}"{rest}'
    return re.sub(r"'[^']*'|\b\d[\w.:+-]*", lambda at: at[0] if told(at[0]) else _HIDDEN, message)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "drillctl" in frame.filename] or frames
    if not ours:
        return "an unknown place"
    name = ours[-1].filename.rpartition("drillctl/")[2]
    return f"{name}:{ours[-1].lineno}"
