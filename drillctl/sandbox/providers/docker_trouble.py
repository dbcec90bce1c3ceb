"""Was it the sandbox's fault? Asked after anything failed, so that a full disk, a kernel that ran
out of memory or an engine that died is never reported as a bad backup."""

from __future__ import annotations

import re

from docker.errors import APIError, NotFound

from drillctl.definition.units import format_size
from drillctl.sandbox.contract import Order, Trouble
from drillctl.sandbox.providers.docker_container import EXPIRED
from drillctl.sandbox.providers.docker_engine import LOST, free_bytes
from drillctl.sandbox.providers.docker_exec import Inside
from drillctl.sandbox.providers.docker_log import last_words, log_tail, says_full
from drillctl.sandbox.providers.docker_server import LOG, Server

_NO_ROOM = 16 << 20
# After the kernel killed a backend, `State.OOMKilled` stays false while the container runs: the
# cgroup's own counter knows (version 1, version 2).
_COUNTERS = "cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2> /dev/null"


def trouble_of(
    inside: Inside, order: Order, server: Server, *, expired: bool, full: bool
) -> Trouble | None:
    """`expired`: the time limit has passed; `full`: a tool inside was told that the disk is full.
    Never raises."""
    for _ in range(2):
        try:
            state = inside.client.api.inspect_container(inside.container)["State"]
            if not state["Running"]:
                return _of_ended(order, state, expired)
            return _of_running(inside, order, server, expired, full)
        except NotFound:
            return _expired(order) if expired else _gone("its container is not there any more")
        except APIError:
            continue  # it ended between two questions: look again
        except LOST:
            break
    return Trouble(
        finding="sandbox.engine_lost",
        title="the Docker engine does not answer any more",
        observed="the connection broke",
        hint="look at the engine (`journalctl -u docker`), run `drillctl sweep`, run again",
    )


def oom_kills(inside: Inside) -> int:
    """Processes that the kernel killed at the memory limit. Raises what the SDK raises."""
    text = inside.quietly(["sh", "-c", _COUNTERS])
    return max((int(n) for n in re.findall(r"^oom_kill (\d+)$", text, re.MULTILINE)), default=0)


def _of_ended(order: Order, state: dict[str, object], expired: bool) -> Trouble:
    if state.get("OOMKilled"):
        return _oom(order, "its first process was killed")
    if expired or state.get("ExitCode") == EXPIRED:
        return _expired(order)
    return _gone(f"its container ended with exit code {state.get('ExitCode')}")


def _of_running(
    inside: Inside, order: Order, server: Server, expired: bool, full: bool
) -> Trouble | None:
    if kills := oom_kills(inside):
        return _oom(order, f"{kills} killed")
    log = log_tail(inside, LOG)
    free = free_bytes(inside.client.info())
    if full or says_full(log) or (free is not None and free < _NO_ROOM):
        return _disk_full(free)
    if expired:
        return _expired(order)
    if server.lost:
        return _gone(last_words(log) or "its process ended without a word")
    return None


def _oom(order: Order, observed: str) -> Trouble:
    return Trouble(
        finding="sandbox.oom",
        title="the sandbox ran out of memory and the kernel killed a process in it",
        observed=f"{observed} at a limit of {format_size(order.memory)}",
        hint="raise `memory` under `sandbox:` in the drill",
    )


def _disk_full(free: int | None) -> Trouble:
    return Trouble(
        finding="sandbox.disk_full",
        title="the sandbox's disk is full",
        observed="a write was refused" if free is None else f"{format_size(free)} free",
        hint="make room for Docker (`docker system df` shows what it keeps)",
    )


def _expired(order: Order) -> Trouble:
    return Trouble(
        finding="sandbox.expired",
        title="the sandbox reached its time limit and ended itself",
        observed=f"limit {order.timeout.total_seconds():.0f}s",
        hint="raise `timeout` under `sandbox:` in the drill",
    )


def _gone(observed: str) -> Trouble:
    return Trouble(
        finding="sandbox.server_gone",
        title="the sandbox's server is gone",
        observed=observed,
        hint="look for who killed it (`docker events`, other users of this machine) and run again",
    )
