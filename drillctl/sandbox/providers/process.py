"""The embedded default: Postgres as unprivileged processes, without Docker."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from drillctl.clock import Deadline
from drillctl.command import Command, Completed, run_here
from drillctl.errors import SandboxError
from drillctl.evidence.facts import SandboxFacts
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner
from drillctl.interrupt import shielded
from drillctl.sandbox.binaries import find_binaries
from drillctl.sandbox.contract import Availability, Endpoint, Leftover, Order, Trouble
from drillctl.sandbox.providers import process_server as server
from drillctl.sandbox.providers import process_teardown as teardown
from drillctl.sandbox.providers.process_build import Built, build, check_room, describe
from drillctl.sandbox.providers.process_cell import entering
from drillctl.sandbox.providers.process_place import PORT, base_folder, place_for
from drillctl.sandbox.providers.process_probes import isolation
from drillctl.sandbox.providers.process_trouble import trouble_of
from drillctl.sandbox.settings import known_to, neutral, shown

_STOP_SECONDS = 30


class ProcessProvider:
    name = "process"

    def look(self, order: Order) -> Availability:
        try:
            find_binaries(order.major, newer_ok=order.newer_ok)
            place_for(order.run_id, order.role)
            check_room(order)
        except SandboxError as error:
            reason = f"{error.message} ({error.observed})" if error.observed else error.message
            return Availability(ok=False, reason=reason, mend=error.hint)
        return Availability(ok=True)

    def describe(self, order: Order) -> tuple[str, ...]:
        return describe(order, find_binaries(order.major, newer_ok=order.newer_ok))

    def create(self, order: Order, journal: Journal) -> ProcessSandbox:
        binaries = find_binaries(order.major, newer_ok=order.newer_ok)
        check_room(order)
        return ProcessSandbox(build(order, binaries, journal), order, journal)

    def sweep(self, is_dead: Callable[[Owner], bool]) -> tuple[Leftover, ...]:
        return teardown.sweep(base_folder(), is_dead)


class ProcessSandbox:
    """One server and its tools. Not safe to start or stop from several threads; `run` is."""

    provider = "process"

    def __init__(self, built: Built, order: Order, journal: Journal) -> None:
        self.name = built.place.name
        self.major = built.binaries.major
        self._built = built
        self._order = order
        self._journal = journal
        self._nonce = secrets.token_hex(16)
        self._server: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None
        self._deadline = Deadline(built.cell.seconds)
        self._stopped = True
        self._destroyed = False

    @property
    def endpoint(self) -> Endpoint:
        if self._endpoint is None:
            raise SandboxError("sandbox.not_started", "the sandbox has not been started yet")
        return self._endpoint

    def start(self, settings: Mapping[str, str]) -> None:
        self._require_alive()
        place, binaries = self._built.place, self._built.binaries
        if not (place.data / "PG_VERSION").exists():
            server.initialise(place, binaries, self._built.password, self._run_plainly)
        self.stop()
        wanted = server.settings_for(place, self._nonce, self.major, settings)
        argv = server.server_argv(binaries, place, wanted)
        self._stopped = False
        with (
            self._journal.making("process", f"{self.name}/server"),
            shielded(),
            place.log.open("ab") as log,
        ):
            self._server = subprocess.Popen(
                entering(self._built.cell, argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=place.inner,
                start_new_session=True,
            )
        endpoint = Endpoint(
            socket_dir=place.sockets,
            port=PORT,
            user=server.SUPERUSER,
            password=self._built.password,
            nonce=self._nonce,
        )
        try:
            server.wait_until_ready(endpoint, self._server, place.log, self._deadline)
            server.ask_back(endpoint, shown(known_to(self.major, neutral(self._nonce))))
        except SandboxError as error:
            raise self._explained(error) from error
        self._endpoint = endpoint

    def stop(self) -> None:
        if self._server is None or self._server.poll() is not None:
            self._reap()
            return
        self._stopped = True
        pid_file = self._built.place.data / "postmaster.pid"
        argv = ("sh", "-c", 'kill -INT "$(head -n 1 "$0")"', str(pid_file))
        self._run_plainly(Command(argv=argv, purpose="stop the server"), 10, b"")
        try:
            self._server.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reap()
        self._stopped = True

    def kill(self) -> None:
        self._stopped = False
        until = Deadline(10)
        while pids := teardown.server_pids(self._built.place):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if until.passed:
                break
            time.sleep(0.01)
        self._reap()

    def _reap(self) -> None:
        """Bury our own dead children. The server's parent may outlive it by a moment."""
        for child in (self._server, self._built.supervisor if self._destroyed else None):
            if child is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=10)

    def tool(self, name: str) -> str:
        return self._built.binaries.program(name)

    def inside(self, host: Path) -> str:
        path = host.resolve()
        for one in self._built.shown:
            if path.is_relative_to(one.host):
                return str(Path(one.inside) / path.relative_to(one.host))
        raise ValueError(f"{host} is not under a mount of this sandbox")

    def run(
        self,
        command: Command,
        *,
        timeout: float,
        feed: Iterable[bytes] | None = None,
        sink: BinaryIO | None = None,
        on_stderr: Callable[[str], None] | None = None,
    ) -> Completed:
        self._require_alive()
        inner = dataclasses.replace(
            command,
            argv=entering(self._built.cell, command.argv),
            env=tuple((self._environment() | dict(command.env)).items()),
        )
        done = run_here(
            inner,
            timeout=timeout,
            feed=feed,
            sink=sink,
            on_stderr=on_stderr,
            cwd=str(self._built.place.inner),
            inherit_env=False,
        )
        if done.exit_code != 0:
            self._require_alive()
        return dataclasses.replace(done, command=command)

    def _run_plainly(self, command: Command, seconds: float, feed: bytes) -> Completed:
        return self.run(command, timeout=seconds, feed=(feed,) if feed else None)

    def _environment(self) -> dict[str, str]:
        place = self._built.place
        return {
            "PATH": f"{self._built.binaries.path}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(place.inner),
            "TMPDIR": str(place.inner / "tmp"),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PGHOST": str(place.sockets),
            "PGPORT": str(PORT),
            "PGUSER": server.SUPERUSER,
            "PGDATABASE": "postgres",
            "PGPASSFILE": str(place.passfile),
            "PGCONNECT_TIMEOUT": "10",
            teardown.MARKER: place.name,
        }

    def _require_alive(self) -> None:
        supervisor = self._built.supervisor
        if not self._built.place.inner.is_dir():
            raise SandboxError("sandbox.gone", "the sandbox was destroyed")
        if supervisor is not None and supervisor.poll() is not None:
            trouble = self.trouble()
            title = trouble.title if trouble else "the sandbox is gone"
            raise SandboxError(
                trouble.finding if trouble else "sandbox.server_gone",
                title,
                observed=trouble.observed if trouble else "",
                hint=trouble.hint if trouble else "",
            )

    def _explained(self, error: SandboxError) -> SandboxError:
        """A server that did not start because of the machine says so by that name."""
        trouble = self.trouble()
        if trouble is None or trouble.finding in ("sandbox.server_gone", error.finding):
            return error
        return SandboxError(
            trouble.finding, trouble.title, observed=trouble.observed, hint=trouble.hint
        )

    def trouble(self) -> Trouble | None:
        running = self._server is not None and self._server.poll() is None
        lost = self._server is not None and not running and not self._stopped
        return trouble_of(self._built, self._order, expired=self._deadline.passed, lost=lost)

    def facts(self) -> SandboxFacts:
        return SandboxFacts(
            name=self.name,
            provider=self.provider,
            image=f"{self._built.binaries.source}:{self._built.binaries.path}",
            server_version=self._built.binaries.version,
            isolation=isolation(self._built, self._order, self.run, self._journal.path),
        )

    def destroy(self) -> tuple[str, ...]:
        """Safe to call again: a second time it only looks."""
        left = teardown.remove(self._built.place)
        self._endpoint = None
        if not self._destroyed:
            effects = (*self._built.effects, *self._server_effects())
            teardown.journal_removal(self._journal, effects, left)
        self._destroyed = not left
        if not left:
            self._reap()
        return left

    def _server_effects(self) -> tuple[tuple[str, str], ...]:
        return (("process", f"{self.name}/server"),) if self._server is not None else ()
