"""What a sandbox must offer for a dump."""

from __future__ import annotations

from drillctl.restore.contract import Needs
from drillctl.restore.engines.pg_dump.look import Look, major
from drillctl.sandbox.contract import Mount

_READS = {(1, 16): 17, (1, 15): 16, (1, 14): 12}
_FLOOR = 256 << 20


def needs_of(look: Look) -> Needs:
    """The source's major or a newer one, and new enough for the archive's format or the dump's SQL.

    The disk is a guess on the safe side: a heap with indexes takes two to eight times the dump.
    """
    majors = [found for found in (major(look.server), _tool_major(look)) if found is not None]
    packed = look.shape.wrapping or look.compression != "none"
    mounted = look.shape.is_archive and not look.shape.wrapping
    return Needs(
        major=max(majors, default=None),
        newer_ok=True,
        disk_bytes=_FLOOR + look.size * (8 if packed else 3),
        mounts=(Mount(host=look.path.resolve()),) if mounted else (),
    )


def _tool_major(look: Look) -> int | None:
    """A newer pg_dump writes an archive, or settings, that an older server's tools do not know."""
    if look.version is not None:
        return _READS.get(look.version)
    return major(look.pg_dump)
