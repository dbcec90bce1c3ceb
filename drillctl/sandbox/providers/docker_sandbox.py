"""One container with a Postgres server in it, and the tools beside it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import docker
from docker.errors import APIError, DockerException
from requests import RequestException

from drillctl.clock import Deadline
from drillctl.command import Command, Completed
from drillctl.errors import SandboxError
from drillctl.evidence.facts import SandboxFacts
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Endpoint, Order, Trouble
from drillctl.sandbox.providers import docker_teardown as teardown
from drillctl.sandbox.providers.docker_container import Built
from drillctl.sandbox.providers.docker_engine import connect, engine_trouble, lost
from drillctl.sandbox.providers.docker_exec import Inside, StreamCut
from drillctl.sandbox.providers.docker_log import says_full
from drillctl.sandbox.providers.docker_place import PORT, SOCKETS_INSIDE
from drillctl.sandbox.providers.docker_probes import isolation
from drillctl.sandbox.providers.docker_server import HOME, PASSFILE, SUPERUSER, Server
from drillctl.sandbox.providers.docker_trouble import trouble_of

# Not OSError: a feed or a sink of the caller's may fail with one, and it is theirs.
_FAILED = (SandboxError, StreamCut, DockerException, RequestException)


class DockerSandbox:
    """Not safe to start or stop from several threads; `run` is."""

    provider = "docker"

    def __init__(
        self, built: Built, order: Order, journal: Journal, client: docker.DockerClient
    ) -> None:
        self.name = built.place.name
        self.major = built.image.major
        self._built = built
        self._order = order
        self._journal = journal
        self._client = client
        self._limit = Deadline(order.timeout.total_seconds())
        self._inside = Inside(client=client, container=built.place.name)
        self._answering = Endpoint(
            socket_dir=built.place.sockets,
            port=PORT,
            user=SUPERUSER,
            password=built.password,
            nonce=secrets.token_hex(16),
        )
        self._server = Server(built, self._answering, self._inside)
        self._started = self._full = self._destroyed = False

    @property
    def endpoint(self) -> Endpoint:
        if not self._started:
            raise SandboxError("sandbox.not_started", "the sandbox's server was not started")
        return self._answering

    def start(self, settings: Mapping[str, str]) -> None:
        self._require_made()
        env = self._environment()
        try:
            if not self._started:
                self._server.initialise(env)
            self._server.stop()
            self._server.start(settings, env, self._limit)
        except _FAILED as error:
            raise self._explained(error, "start the server") from error
        self._started = True

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def tool(self, name: str) -> str:
        return f"{self._built.image.bin}/{name}"

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
        self._require_made()

        def hear(line: str) -> None:
            self._full = self._full or says_full(line)
            if on_stderr is not None:
                on_stderr(line)

        try:
            return self._inside.run(
                command,
                self._environment() | dict(command.env),
                timeout=timeout,
                feed=feed,
                sink=sink,
                on_stderr=hear,
            )
        except _FAILED as error:
            raise self._explained(error, f"run {Path(command.argv[0]).name}") from error

    def trouble(self) -> Trouble | None:
        # The first process's clock runs a moment ahead of ours.
        expired = self._limit.remaining() <= 1.0
        return trouble_of(self._inside, self._order, self._server, expired=expired, full=self._full)

    def facts(self) -> SandboxFacts:
        with engine_trouble("try the isolation from inside"):
            probes = isolation(self._built, self._order, self._inside, self.run, self._journal.path)
        return SandboxFacts(
            name=self.name,
            provider=self.provider,
            image=f"{self._built.image.reference} ({self._built.image.image_id[:19]})",
            server_version=self._built.image.version,
            isolation=probes,
        )

    def destroy(self) -> tuple[str, ...]:
        """The data is thrown away, so nothing is shut down first. A second time it only looks,
        on a fresh connection: the engine may have been restarted since."""
        self._destroyed, self._started = True, False
        client = connect()
        try:
            left = teardown.remove(client, self._built.place)
        finally:
            client.close()
        teardown.journal_removal(self._journal, self._built.effects, left)
        if not left:
            self._built.effects.clear()
            self._client.close()
        return left

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._built.image.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": HOME,
            "TMPDIR": f"{HOME}/tmp",  # noqa: S108 - the volume's own
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PGHOST": SOCKETS_INSIDE,
            "PGPORT": str(PORT),
            "PGUSER": SUPERUSER,
            "PGDATABASE": "postgres",
            "PGPASSFILE": PASSFILE,
            "PGCONNECT_TIMEOUT": "10",
        }

    def _require_made(self) -> None:
        if self._destroyed:
            raise SandboxError("sandbox.gone", "the sandbox was destroyed")

    def _explained(self, error: Exception, doing: str) -> SandboxError:
        """What failed because of the machine says so by that name."""
        trouble = self.trouble()
        vague = trouble is None or trouble.finding == "sandbox.server_gone"
        if isinstance(error, SandboxError) and vague:
            return error
        if trouble is None:
            said = str(error.explanation) if isinstance(error, APIError) else "the stream broke"
            mended = lost(doing)
            return SandboxError(mended.finding, mended.message, observed=said, hint=mended.hint)
        return SandboxError(
            trouble.finding, trouble.title, observed=trouble.observed, hint=trouble.hint
        )
