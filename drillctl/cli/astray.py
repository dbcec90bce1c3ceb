"""Settings of the caller's own sessions, which would lead those with a sandbox astray."""

from __future__ import annotations

import os

# Read by libpq wherever a session does not say otherwise: another server, a service file's
# parameters, or demands that a session over a unix socket cannot meet.
ASTRAY = (
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "PGOPTIONS",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGCHANNELBINDING",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
)


def forget() -> None:
    """For this process and all that it starts: a drill talks to servers that it made, and to no
    other by default."""
    for name in ASTRAY:
        os.environ.pop(name, None)
