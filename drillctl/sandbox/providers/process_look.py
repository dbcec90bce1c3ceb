"""What a process sandbox would be on this machine, and whether there is room. Makes nothing."""

from __future__ import annotations

import shutil

from drillctl.definition.units import format_size
from drillctl.errors import SandboxError
from drillctl.sandbox.binaries import PgBinaries
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers import process_cgroup as cgroup
from drillctl.sandbox.providers.process_cell import account_for, method_here
from drillctl.sandbox.providers.process_mounts import needs_copy, size_of
from drillctl.sandbox.providers.process_place import base_folder, place_for


def check_room(order: Order) -> None:
    """Raises SandboxError `sandbox.disk_full` naming what is needed and what there is."""
    base = base_folder()
    free = shutil.disk_usage(base).free
    needed = order.disk_needed + _copied(order)
    if needed > free:
        raise SandboxError(
            "sandbox.disk_full",
            f"the sandbox needs {format_size(needed)} and {base} has {format_size(free)}",
            expected=format_size(needed),
            observed=format_size(free),
            hint="make room, or set DRILLCTL_SANDBOX_DIR to a larger disk",
        )


def describe(order: Order, binaries: PgBinaries) -> tuple[str, ...]:
    place, method = place_for(order.run_id, order.role), method_here()
    uid, _ = account_for(place.name, method)
    limits = cgroup.folders(place.name)
    how = {
        "namespaces": "own network, processes and root file system (namespaces)",
        "user": "own network, processes and root file system (user namespace)",
        "account": "an account of its own; this machine allows no namespaces",
        "plain": "a private folder only; this machine allows no namespaces",
    }
    copied = _copied(order)
    memory = f"at most {format_size(order.memory)} of memory, {order.cpus:g} cpus"
    return (
        f"folder {place.folder}",
        f"PostgreSQL {binaries.version} from {binaries.path} ({binaries.source}), as uid {uid}",
        f"kept apart by {how[method]}",
        memory if limits else "memory and cpus not limited: no cgroup can be written here",
        f"ends by itself after {order.timeout.total_seconds():.0f}s",
        *(
            (f"copies {format_size(copied)} of mounted files that uid {uid} may not read",)
            if copied
            else ()
        ),
    )


def _copied(order: Order) -> int:
    """Bytes of mounted files that are copied, because the account inside could not read them."""
    mounts = (mount for mount in order.mounts if mount.host.exists())
    return sum(size_of(mount.host) for mount in mounts if needs_copy(mount))
