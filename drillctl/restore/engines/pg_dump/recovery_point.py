"""To which moment a dump goes back: the time it writes about itself, put on the world's clock.

pg_dump notes the time before it takes its snapshot, to the second, in its host's local time and
without a zone. So the moment is never later than the data, if the zone is right.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from drillctl.evidence.facts import Finding, Room, Severity
from drillctl.evidence.verdict import Verdict
from drillctl.restore.engines.pg_dump.look import Look

_SLACK = timedelta(minutes=2)
_UTC_NAMES = ("UTC", "GMT", "Z")


def recovery_point(
    look: Look, timezone: str, now: datetime
) -> tuple[datetime | None, str, Finding | None]:
    """(moment in UTC or None, where it was read, what is wrong with it)."""
    if look.created is None:
        if look.shape.is_archive:
            return None, "the archive's creation time is not a date", _uncertain("no date", "")
        return None, "a plain dump does not carry its time (pg_dump --verbose writes it)", None
    zone = "UTC" if look.zone in _UTC_NAMES else timezone
    source = ZoneInfo(zone) if zone != "UTC" else UTC
    local = look.created.replace(tzinfo=source, fold=0 if look.daylight else 1)
    moment = local.astimezone(UTC)
    written = "the archive's creation time" if look.shape.is_archive else "the line `Started on`"
    method = f"{written}, before its snapshot, read as {zone}"
    modified = datetime.fromtimestamp(look.modified, UTC)
    if moment > now + _SLACK:
        return None, method, _uncertain("a moment in the future", f"{moment.isoformat()} ({zone})")
    if modified < moment - _SLACK:
        observed = f"taken {moment.isoformat()} ({zone}), file written {modified.isoformat()}"
        return None, method, _uncertain("a moment after the file was written", observed)
    return moment, method, None


def _uncertain(what: str, observed: str) -> Finding:
    return Finding(
        id="restore.recovery_point_uncertain",
        room=Room.RESTORE,
        severity=Severity.MAJOR,
        title=f"the time that the backup writes about itself is {what}",
        expected="a moment before the file was written",
        observed=observed,
        hint="set `restore.timezone` to the zone of the host that takes the dump",
        verdict=Verdict.INCONCLUSIVE,
    )
