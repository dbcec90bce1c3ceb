"""The Postgres server of a process sandbox: started, asked back, stopped, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping

from drillctl.clock import Deadline
from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.interrupt import shielded
from drillctl.sandbox.binaries import PgBinaries
from drillctl.sandbox.contract import Endpoint
from drillctl.sandbox.providers import process_members as members
from drillctl.sandbox.providers.process_build import Built
from drillctl.sandbox.providers.process_cell import entering
from drillctl.sandbox.providers.process_cluster import Run
from drillctl.sandbox.providers.process_log import last_words
from drillctl.sandbox.providers.process_place import PORT, Place
from drillctl.sandbox.readiness import ask_back, wait_until_ready
from drillctl.sandbox.settings import known_to, neutral, shown

_STOP_SECONDS = 30
_KILL_SECONDS = 10


class Server:
    """One postmaster at a time. `lost` is True when it is down and nobody stopped it."""

    def __init__(self, built: Built, endpoint: Endpoint) -> None:
        self._built = built
        self._endpoint = endpoint
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def lost(self) -> bool:
        return self._wanted and not self.running

    def start(self, settings: Mapping[str, str], env: Mapping[str, str], limit: Deadline) -> None:
        """Until it answers and says that it is neutral. Raises SandboxError."""
        place, major = self._built.place, self._built.binaries.major
        wanted = _settings_for(place, self._endpoint.nonce, major, settings)
        argv = _server_argv(self._built.binaries, place, wanted)
        with shielded(), place.log.open("ab") as log:
            self._process = subprocess.Popen(
                entering(self._built.cell, argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(env),
                cwd=place.inner,
                start_new_session=True,
            )
            self._wanted = True
        wait_until_ready(self._endpoint, self._ended, limit)
        ask_back(self._endpoint, shown(known_to(major, neutral(self._endpoint.nonce))))

    def _ended(self) -> SandboxError | None:
        if self._process is None or self.running:
            return None
        return SandboxError(
            "sandbox.server_gone",
            "the server exited while starting",
            expected="a running server",
            observed=last_words(self._built.place.log) or f"exit code {self._process.returncode}",
            hint="look at the settings it was given, and at who killed it",
        )

    def stop(self, run: Run) -> None:
        """A fast shutdown: sessions end, a checkpoint is written. Killed if that takes too long."""
        self._wanted = False
        if self._process is None or not self.running:
            return
        pid_file = str(self._built.place.data / "postmaster.pid")
        argv = ("sh", "-c", 'kill -INT "$(head -n 1 "$0")"', pid_file)
        run(Command(argv=argv, purpose="stop the server"), 10, b"")
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._wanted = False

    def kill(self) -> None:
        """Every process of the server, at once. Raises SandboxError when one would not go."""
        deadline = Deadline(_KILL_SECONDS)
        while pids := members.server_pids(self._built.place):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if deadline.passed:
                break
            time.sleep(0.01)
        self.bury()
        if self.running:
            raise SandboxError(
                "sandbox.not_killed",
                "the server could not be killed",
                expected="no process of it",
                observed=", ".join(self.left()),
                hint="end it by hand: this account may not see or signal it",
            )

    def left(self) -> tuple[str, ...]:
        """The process that we started, if it runs: known without a look at the machine."""
        return (f"process {self._process.pid}",) if self._process and self.running else ()

    def bury(self) -> None:
        """Wait for the process that we started; the server's own parent outlives it by a moment."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_KILL_SECONDS)


def _settings_for(
    place: Place, nonce: str, major: int, wanted: Mapping[str, str]
) -> dict[str, str]:
    """`wanted`, then what this sandbox needs, then the neutral ones, which always win."""
    ours = {
        "unix_socket_directories": str(place.sockets),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "config_file": str(place.inner / "server.conf"),
        "hba_file": str(place.inner / "hba.conf"),
        "ident_file": str(place.inner / "ident.conf"),
        "external_pid_file": "",
        # Shared memory as files of the data directory: a crash leaves none on the machine.
        "dynamic_shared_memory_type": "mmap",
        "password_encryption": "scram-sha-256",
    }
    return {**known_to(major, wanted), **ours, **known_to(major, neutral(nonce))}


def _server_argv(
    binaries: PgBinaries, place: Place, settings: Mapping[str, str]
) -> tuple[str, ...]:
    """Settings on the command line beat every file, also a restored `postgresql.auto.conf` and an
    ALTER SYSTEM. None of them is a secret."""
    argv = [binaries.program("postgres"), "-D", str(place.data)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return tuple(argv)
