"""The Postgres server of a process sandbox: made, started, asked back, stopped."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg

from drillctl.clock import Deadline
from drillctl.command import Command, Completed
from drillctl.errors import SandboxError
from drillctl.sandbox.binaries import PgBinaries
from drillctl.sandbox.contract import Endpoint
from drillctl.sandbox.providers.process_place import PORT, Place
from drillctl.sandbox.settings import known_to, neutral

SUPERUSER = "postgres"
HBA = "local all all scram-sha-256\n"
_LOCALE = "C.UTF-8" if sys.platform == "linux" else "C"
# `reject` is what the cluster's own pg_hba.conf would say; the server is given another one.
_INITDB = (
    "--auth=reject",
    "--no-sync",
    f"--locale={_LOCALE}",
    "--encoding=UTF8",
    "--data-checksums",
    f"--username={SUPERUSER}",
)
_LOG_TAIL = 64 * 1024

Run = Callable[[Command, float, bytes], Completed]
"""Run a command inside: what, seconds, standard input."""


def initialise(place: Place, binaries: PgBinaries, password: str, run: Run) -> None:
    """An empty cluster whose superuser has `password`. Raises SandboxError.

    The cluster is a copy of one that was made before with these binaries where there is one: a
    copy takes a tenth of initdb's time. Copies share a system identifier, which nothing relies on.
    """
    template = _template(binaries)
    if template.is_dir():
        _copy(template, place.data, like=place.inner)
    else:
        initdb = (binaries.program("initdb"), "-D", str(place.data), *_INITDB)
        done = run(Command(argv=initdb, purpose="make an empty cluster"), 120, b"")
        _expect(done, "initdb")
        _keep(place.data, template)
    # In single-user mode nothing listens yet, and the password reaches neither argv nor a log.
    options = ("-D", str(place.data), "-F", "-c", "password_encryption=scram-sha-256")
    single = (binaries.program("postgres"), "--single", *options, "template1")
    sql = f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n".encode()
    done = run(Command(argv=single, purpose="set the superuser's password"), 60, sql)
    _expect(done, "single-user mode")


def settings_for(place: Place, nonce: str, major: int, wanted: Mapping[str, str]) -> dict[str, str]:
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


def server_argv(binaries: PgBinaries, place: Place, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Settings on the command line beat every file, also a restored `postgresql.auto.conf` and an
    ALTER SYSTEM. None of them is a secret."""
    argv = [binaries.program("postgres"), "-D", str(place.data)]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    return tuple(argv)


def connect(endpoint: Endpoint, *, seconds: float = 5) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(endpoint.socket_dir),
        port=endpoint.port,
        user=endpoint.user,
        password=endpoint.password,
        dbname="postgres",
        connect_timeout=int(max(2, seconds)),
        autocommit=True,
        application_name="drillctl sandbox",
    )


def wait_until_ready(
    endpoint: Endpoint, server: subprocess.Popen[bytes], log: Path, deadline: Deadline
) -> None:
    """Until the server answers a session. Raises SandboxError at once when it exits."""
    last = ""
    while not deadline.passed:
        if server.poll() is not None:
            raise SandboxError(
                "sandbox.server_gone",
                "the server exited while starting",
                expected="a running server",
                observed=last_words(log) or f"exit code {server.returncode}",
                hint="the sandbox's own server log has the cause",
            )
        try:
            connect(endpoint).close()
        except psycopg.OperationalError as error:
            last = str(error).splitlines()[0]
            time.sleep(0.02)
        else:
            return
    raise SandboxError(
        "sandbox.server_slow",
        "the server did not answer in time",
        expected=f"an answer within {deadline.seconds:.0f}s",
        observed=last,
        hint="give the sandbox more time, memory or processors",
    )


def ask_back(endpoint: Endpoint, expected: Mapping[str, str]) -> None:
    """Raises SandboxError unless the running server says that each setting is as it must be."""
    with contextlib.closing(connect(endpoint)) as session:
        rows = session.execute(
            "select name, current_setting(name, true) from unnest(%s::text[]) as name",
            (list(expected),),
        ).fetchall()
    observed = {str(name): value for name, value in rows}
    wrong = sorted(name for name, value in expected.items() if observed.get(name) != value)
    if wrong:
        raise SandboxError(
            "sandbox.not_neutral",
            f"the server does not run with neutral settings: {', '.join(wrong)}",
            expected=", ".join(f"{name}={expected[name]!r}" for name in wrong),
            observed=", ".join(f"{name}={observed.get(name)!r}" for name in wrong),
            hint="nothing was restored; this server could act on production",
        )


def last_words(log: Path) -> str:
    """The last fatal line of the server's log, without DETAIL or CONTEXT, which may hold values."""
    fatal = [line for line in log_tail(log).splitlines() if _fatal(line)]
    return fatal[-1][-300:] if fatal else ""


def log_tail(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _LOG_TAIL))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _expect(done: Completed, what: str) -> None:
    if done.exit_code == 0:
        return
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    raise SandboxError(
        "sandbox.server_not_made",
        f"{what} failed" if not done.timed_out else f"{what} took too long",
        expected="exit code 0",
        observed=lines[-1][:300] if lines else f"exit code {done.exit_code}",
        hint="run `drillctl doctor`; it looks at these binaries",
    )


def _template(binaries: PgBinaries) -> Path:
    cache = Path.home() / ".cache"
    inode = (binaries.path / "postgres").stat()
    text = f"{binaries.path} {binaries.version} {inode.st_mtime_ns} {_INITDB}"
    word = hashlib.sha256(text.encode()).hexdigest()[:12]
    return cache / "drillctl" / f"initdb-{binaries.version}-{word}"


def _keep(data: Path, template: Path) -> None:
    """Whole or not at all; a cache that cannot be written is only slower."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        template.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=template.parent))
        try:
            _copy(data, fresh / "data", like=fresh)
            (fresh / "data").rename(template)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _copy(source: Path, target: Path, *, like: Path) -> None:
    """A copy of a folder, owned as `like` is."""
    argv = ["cp", "-R", "-p", str(source), str(target)]
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True)
    owner = like.stat()
    if owner.st_uid != target.stat().st_uid:
        subprocess.run(
            ["chown", "-R", "-h", f"{owner.st_uid}:{owner.st_gid}", str(target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
        )


def _fatal(line: str) -> bool:
    """A session that knocks too early is told FATAL as well; that is not why a server ended."""
    told = "FATAL:" in line or "PANIC:" in line
    return told and "the database system is" not in line
