"""Was it the sandbox's fault? Asked after anything failed, so that a full disk or a kernel that ran
out of memory is never reported as a bad backup."""

from __future__ import annotations

import shutil

from drillctl.definition.units import format_size
from drillctl.sandbox.contract import Order, Trouble
from drillctl.sandbox.providers import process_cgroup as cgroup
from drillctl.sandbox.providers.process_build import Built
from drillctl.sandbox.providers.process_log import last_words, log_tail

_NO_ROOM = 16 << 20
_FULL = ("No space left on device", "Disk quota exceeded")


def says_full(line: str) -> bool:
    return any(word in line for word in _FULL)


def trouble_of(
    built: Built, order: Order, *, expired: bool, lost: bool, full: bool
) -> Trouble | None:
    """`expired`: the time limit has passed; `lost`: the server is down and nobody stopped it;
    `full`: a tool inside was told that the disk is full."""
    gone = built.supervisor is not None and built.supervisor.poll() is not None
    return (
        _oom(built, order) or _disk_full(built, full) or _gone(built, order, expired, gone or lost)
    )


def _oom(built: Built, order: Order) -> Trouble | None:
    kills = cgroup.oom_kills(built.cell.groups)
    if not kills:
        return None
    return Trouble(
        finding="sandbox.oom",
        title="the sandbox ran out of memory and the kernel killed a process in it",
        observed=f"{kills} killed at a limit of {format_size(order.memory)}",
        hint="raise `memory` under `sandbox:` in the drill",
    )


def _disk_full(built: Built, full: bool) -> Trouble | None:
    place = built.place
    try:
        free = shutil.disk_usage(place.folder).free
    except OSError:
        return None
    # By now a failed statement may have given its room back: what was said counts.
    if free >= _NO_ROOM and not full and not says_full(log_tail(place.log)):
        return None
    return Trouble(
        finding="sandbox.disk_full",
        title="the sandbox's disk is full",
        observed=f"{format_size(free)} free under {place.base}",
        hint="make room, or set DRILLCTL_SANDBOX_DIR to a larger disk",
    )


def _gone(built: Built, order: Order, expired: bool, gone: bool) -> Trouble | None:
    if not gone:
        return None
    if expired:
        seconds = order.timeout.total_seconds()
        return Trouble(
            finding="sandbox.expired",
            title="the sandbox reached its time limit and ended itself",
            observed=f"limit {seconds:.0f}s",
            hint="raise `timeout` under `sandbox:` in the drill",
        )
    return Trouble(
        finding="sandbox.server_gone",
        title="the sandbox's server is gone",
        observed=last_words(built.place.log) or "its process ended without a word",
        hint="look for who killed it (`dmesg`, other users of this machine) and run again",
    )
