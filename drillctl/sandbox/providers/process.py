"""The embedded default: Postgres as unprivileged processes, without Docker."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from drillctl.command import Command, Completed, run_here
from drillctl.errors import SandboxError
from drillctl.evidence.facts import SandboxFacts
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner
from drillctl.sandbox.binaries import find_binaries
from drillctl.sandbox.contract import Availability, Endpoint, Leftover, Order, Trouble
from drillctl.sandbox.providers import process_teardown as teardown
from drillctl.sandbox.providers.process_build import Built, build
from drillctl.sandbox.providers.process_cell import entering
from drillctl.sandbox.providers.process_cluster import SUPERUSER, initialise
from drillctl.sandbox.providers.process_look import check_room, describe
from drillctl.sandbox.providers.process_members import MARKER
from drillctl.sandbox.providers.process_place import PORT, base_folder, place_for
from drillctl.sandbox.providers.process_probes import isolation
from drillctl.sandbox.providers.process_server import Server
from drillctl.sandbox.providers.process_trouble import says_full, trouble_of


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
        self._limit = built.limit
        self._effects = list(built.effects)
        self._answering = Endpoint(
            socket_dir=built.place.sockets,
            port=PORT,
            user=SUPERUSER,
            password=built.password,
            nonce=secrets.token_hex(16),
        )
        self._server = Server(built, self._answering)
        self._started = False
        self._full = False

    @property
    def endpoint(self) -> Endpoint:
        if not self._started:
            raise SandboxError("sandbox.not_started", "the sandbox's server was not started")
        return self._answering

    def start(self, settings: Mapping[str, str]) -> None:
        self._require_alive()
        place, password = self._built.place, self._built.password
        effect = ("process", f"{self.name}/server")
        try:
            if not (place.data / "PG_VERSION").exists():
                initialise(place, self._built.binaries, password, self._run_plainly)
            self._server.stop(self._run_plainly)
            with self._journal.making(*effect):
                if effect not in self._effects:
                    self._effects.append(effect)
                self._server.start(settings, self._environment(), self._limit)
        except SandboxError as error:
            raise self._explained(error) from error
        self._started = True

    def stop(self) -> None:
        self._server.stop(self._run_plainly)

    def kill(self) -> None:
        self._server.kill()

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

        def hear(line: str) -> None:
            self._full = self._full or says_full(line)
            if on_stderr is not None:
                on_stderr(line)

        done = run_here(
            inner,
            timeout=timeout,
            feed=feed,
            sink=sink,
            on_stderr=hear,
            cwd=str(self._built.place.inner),
            inherit_env=False,
        )
        if done.exit_code != 0:
            self._require_alive()
        return dataclasses.replace(done, command=command)

    def trouble(self) -> Trouble | None:
        # The supervisor's clock runs a moment ahead of ours.
        expired = self._limit.remaining() <= 1.0
        return trouble_of(
            self._built, self._order, expired=expired, lost=self._server.lost, full=self._full
        )

    def facts(self) -> SandboxFacts:
        binaries = self._built.binaries
        return SandboxFacts(
            name=self.name,
            provider=self.provider,
            image=f"{binaries.source}:{binaries.path}",
            server_version=binaries.version,
            isolation=isolation(self._built, self._order, self.run, self._journal.path.parent),
        )

    def destroy(self) -> tuple[str, ...]:
        """The data is thrown away, so nothing is shut down first. A second time it only looks."""
        left = teardown.remove(self._built.place)
        self._started = False
        if not left:
            self._server.bury()
            left = self._server.left()
        if not left and self._built.supervisor is not None:
            self._built.supervisor.wait()
        teardown.journal_removal(self._journal, tuple(self._effects), left)
        self._effects = [effect for effect in self._effects if left]
        return left

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
            "PGUSER": SUPERUSER,
            "PGDATABASE": "postgres",
            "PGPASSFILE": str(place.passfile),
            "PGCONNECT_TIMEOUT": "10",
            MARKER: place.name,
        }

    def _require_alive(self) -> None:
        """Raises SandboxError when there is nothing left to run in."""
        if not self._built.place.inner.is_dir():
            raise SandboxError("sandbox.gone", "the sandbox was destroyed")
        supervisor = self._built.supervisor
        over = supervisor.poll() is not None if supervisor is not None else self._limit.passed
        trouble = self.trouble() if over else None
        if trouble is not None:
            raise _as_error(trouble)

    def _explained(self, error: SandboxError) -> SandboxError:
        """A server that did not start because of the machine says so by that name."""
        trouble = self.trouble()
        if trouble is None or trouble.finding == "sandbox.server_gone":
            return error
        return _as_error(trouble)


def _as_error(trouble: Trouble) -> SandboxError:
    return SandboxError(
        trouble.finding, trouble.title, observed=trouble.observed, hint=trouble.hint
    )
