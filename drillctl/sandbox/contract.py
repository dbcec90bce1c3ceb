"""What a provider and its sandboxes promise. One contract test runs over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from drillctl.command import Command, Completed
from drillctl.evidence.facts import IsolationProbe, SandboxFacts
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A host file or folder shown inside, read-only unless `writable` (a lab's backup folder)."""

    host: Path
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is wanted. With `run_id` and `role` every name of a side effect follows.

    `major` is the Postgres major; `newer_ok` lets a later one do (a logical dump restores into a
    newer server; a data directory does not). `memory` and `disk_needed` are in bytes.
    """

    run_id: str
    role: str
    major: int | None
    newer_ok: bool
    image: str | None
    cpus: float
    memory: int
    timeout: timedelta
    disk_needed: int = 0
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How to reach a server that a sandbox made: a unix socket, never a host name.

    `nonce` is this sandbox's own random word, set as the server's `cluster_name`: every session
    asks it back before it trusts what it reads.
    """

    socket_dir: Path
    port: int
    user: str
    password: str = field(repr=False)
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """`reason` says why not; `mend` is the command or setting that would change it."""

    ok: bool
    reason: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What went wrong with the sandbox itself: `sandbox.oom`, `sandbox.disk_full`,
    `sandbox.engine_lost`, `sandbox.server_gone`, `sandbox.expired`."""

    finding: str
    title: str
    observed: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something of a dead run that sweep found. `removed` is what a second look says."""

    kind: str
    name: str
    run_id: str
    removed: bool
    detail: str = ""


class Sandbox(Protocol):
    """One isolated Postgres server and the tools beside it."""

    name: str
    provider: str
    major: int

    @property
    def endpoint(self) -> Endpoint:
        """Where the server answers. Raises SandboxError before `start`."""
        ...

    def start(self, settings: Mapping[str, str]) -> None:
        """Start or restart the server with `settings` (over the neutral ones); wait until it
        answers. The first call makes an empty cluster. Raises SandboxError."""
        ...

    def stop(self) -> None:
        """Shut the server down cleanly; no-op when it is down."""
        ...

    def kill(self) -> None:
        """Kill every server process at once (SIGKILL), as a crash would. Raises SandboxError when
        one would not go."""
        ...

    def tool(self, name: str) -> str:
        """The path, inside, of a Postgres program such as `pg_restore`."""
        ...

    def inside(self, host: Path) -> str:
        """Where a path under one of the order's mounts is seen inside."""
        ...

    def run(
        self,
        command: Command,
        *,
        timeout: float,
        feed: Iterable[bytes] | None = None,
        sink: BinaryIO | None = None,
        on_stderr: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run a tool inside. PGHOST, PGPORT, PGUSER and a password file are set for it. Raises
        SandboxError when the sandbox is gone; a tool's own failure is in `Completed`."""
        ...

    def trouble(self) -> Trouble | None:
        """Asked after anything failed: is it the sandbox's fault? Never raises."""
        ...

    def facts(self) -> SandboxFacts:
        """What it is, with every isolation probe tried from inside."""
        ...

    def destroy(self) -> tuple[str, ...]:
        """Remove everything, look again, and return what is still there (empty when gone).
        May be called twice. Raises SandboxError when it could not look."""
        ...


class Provider(Protocol):
    name: str

    def look(self, order: Order) -> Availability:
        """Can this machine fill the order? Makes nothing."""
        ...

    def describe(self, order: Order) -> tuple[str, ...]:
        """What `create` would make, one line each, for `drillctl plan`. Makes nothing."""
        ...

    def create(self, order: Order, journal: Journal) -> Sandbox:
        """Make the sandbox, journaling each side effect before and after (`journal.making`).
        What was made before an error is removed again. Raises SandboxError."""
        ...

    def sweep(self, is_dead: Callable[[Owner], bool]) -> tuple[Leftover, ...]:
        """Find and remove what runs with dead owners left behind."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolationAttempt:
    """One probe as data: `script` is run inside by `sh -c`; exit 0 means that it got through."""

    name: str
    script: str


__all__ = [
    "Availability",
    "Endpoint",
    "IsolationAttempt",
    "IsolationProbe",
    "Leftover",
    "Mount",
    "Order",
    "Provider",
    "Sandbox",
    "Trouble",
]
