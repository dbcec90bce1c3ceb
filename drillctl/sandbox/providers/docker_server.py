"""The Postgres server of a Docker sandbox: made, started, asked back, stopped, killed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

from docker.errors import APIError

from drillctl.clock import Deadline
from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.sandbox.contract import Endpoint
from drillctl.sandbox.providers.docker_container import Built
from drillctl.sandbox.providers.docker_engine import LOST, engine_trouble
from drillctl.sandbox.providers.docker_exec import Inside
from drillctl.sandbox.providers.docker_log import last_words, log_tail
from drillctl.sandbox.providers.docker_place import PORT, SOCKETS_INSIDE, VOLUME_INSIDE
from drillctl.sandbox.readiness import ask_back, wait_until_ready
from drillctl.sandbox.settings import known_to, neutral, shown

SUPERUSER = "postgres"
HOME = f"{VOLUME_INSIDE}/in"
DATA, LOG, PASSFILE = f"{HOME}/data", f"{HOME}/server.log", f"{HOME}/pgpass"
_STOP_SECONDS = 30
_INITDB = (
    "--no-sync",
    "--locale=C.UTF-8",
    "--encoding=UTF8",
    "--auth=scram-sha-256",
    f"--username={SUPERUSER}",
    f"--pwfile={HOME}/password",
)
_START = f'exec "$@" < /dev/null >> {LOG} 2>&1'
_STOP = f'kill -INT "$(head -n 1 {DATA}/postmaster.pid)"'
_KILL = """for again in 1 2 3; do for p in /proc/[0-9]*; do
    read -r name < "$p/comm" && [ "$name" = postgres ] && kill -9 "${p#/proc/}"
done; done 2> /dev/null; exit 0"""


class Server:
    """One postmaster at a time, an exec of its own in the container: the engine reaps it and keeps
    its exit code. `lost` is True when it is down and nobody stopped it."""

    def __init__(self, built: Built, endpoint: Endpoint, inside: Inside) -> None:
        self._built = built
        self._endpoint = endpoint
        self._inside = inside
        self._exec = ""
        self._wanted = False

    @property
    def running(self) -> bool:
        """Raises what the SDK raises when the engine is gone."""
        if not self._exec:
            return False
        return bool(self._inside.client.api.exec_inspect(self._exec)["Running"])

    @property
    def lost(self) -> bool:
        return self._wanted and not self.running

    def initialise(self, env: Mapping[str, str]) -> None:
        """An empty cluster, once. Raises SandboxError."""
        script = f'[ -f {DATA}/PG_VERSION ] || exec "$@"'
        initdb = (f"{self._built.image.bin}/initdb", "-D", DATA, *_INITDB)
        argv = ("sh", "-c", script, "sh", *initdb)
        done = self._inside.run(
            Command(argv=argv, purpose="make an empty cluster"),
            dict(env),
            timeout=120,
            feed=None,
            sink=None,
            on_stderr=None,
        )
        if done.exit_code == 0:
            return
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise SandboxError(
            "sandbox.server_not_made",
            "initdb took too long" if done.timed_out else "initdb failed",
            expected="exit code 0",
            observed=lines[-1][:300] if lines else f"exit code {done.exit_code}",
            hint=f"`docker run --rm -it {self._built.image.reference} sh` looks into the image",
        )

    def start(self, settings: Mapping[str, str], env: Mapping[str, str], limit: Deadline) -> None:
        """Until it answers and says that it is neutral. Raises SandboxError."""
        major, nonce = self._built.image.major, self._endpoint.nonce
        argv = [f"{self._built.image.bin}/postgres", "-D", DATA]
        # On the command line they beat every file, a restored one or an ALTER SYSTEM too.
        for name, value in _settings_for(major, nonce, settings).items():
            argv += ["-c", f"{name}={value}"]
        api = self._inside.client.api
        with engine_trouble("start the server"):
            made = api.exec_create(
                self._inside.container, ["sh", "-c", _START, "sh", *argv], environment=dict(env)
            )
            self._exec, self._wanted = str(made["Id"]), True
            api.exec_start(self._exec, detach=True)
        wait_until_ready(self._endpoint, self._ended, limit)
        ask_back(self._endpoint, shown(known_to(major, neutral(nonce))))

    def stop(self) -> None:
        """A fast shutdown: sessions end, a checkpoint is written. Killed if that takes too long."""
        self._wanted = False
        with engine_trouble("stop the server"):
            if not self.running:
                return
            self._inside.quietly(["sh", "-c", _STOP])
            if not self._down_within(_STOP_SECONDS):
                self.kill()
                self._wanted = False

    def kill(self) -> None:
        """Every process of the server, at once. Raises SandboxError when one would not go."""
        with engine_trouble("kill the server"):
            self._inside.quietly(["sh", "-c", _KILL])
            gone = self._down_within(10)
        if not gone:
            raise SandboxError(
                "sandbox.not_killed",
                "the server could not be killed",
                expected="no process of it",
                observed=f"it runs in {self._built.place.name}",
                hint="`drillctl sweep` removes the whole container",
            )

    def _down_within(self, seconds: float) -> bool:
        deadline, pause = Deadline(seconds), 0.01
        while self.running:
            if deadline.passed:
                return False
            time.sleep(pause)
            pause = min(0.2, pause * 1.5)
        return True

    def _ended(self) -> SandboxError | None:
        try:
            if self.running:
                return None
        except APIError:
            pass
        except LOST:
            return SandboxError("sandbox.engine_lost", "the Docker engine was lost")
        said = ""
        with contextlib.suppress(*LOST):
            said = last_words(log_tail(self._inside, LOG))
        return SandboxError(
            "sandbox.server_gone",
            "the server exited while starting",
            expected="a running server",
            observed=said or "it left no word in its log",
            hint="the sandbox's own server log has the cause",
        )


def _settings_for(major: int, nonce: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """`wanted`, then what this sandbox needs, then the neutral ones, which always win."""
    ours = {
        "unix_socket_directories": SOCKETS_INSIDE,
        # The folder above the socket is the operator's alone; the socket itself is another
        # account's, and must let the operator in.
        "unix_socket_permissions": "0777",
        "port": str(PORT),
        "config_file": f"{HOME}/server.conf",
        "hba_file": f"{HOME}/hba.conf",
        "ident_file": f"{HOME}/ident.conf",
        "external_pid_file": "",
        "password_encryption": "scram-sha-256",
    }
    return {**known_to(major, wanted), **ours, **known_to(major, neutral(nonce))}
