"""An empty cluster for a process sandbox: copied from one made before, else made by initdb."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from drillctl.command import Command, Completed
from drillctl.errors import SandboxError
from drillctl.sandbox.binaries import PgBinaries
from drillctl.sandbox.providers import process_members as members
from drillctl.sandbox.providers.process_place import Place

SUPERUSER = "postgres"
_LOCALE = "C.UTF-8" if sys.platform == "linux" else "C"
# `reject` is what the cluster's own pg_hba.conf would say; the server is given another one.
_INITDB = (
    "--auth=reject",
    "--no-sync",
    f"--locale={_LOCALE}",
    "--encoding=UTF8",
    f"--username={SUPERUSER}",
)

Run = Callable[[Command, float, bytes], Completed]
"""Run a command inside: what, seconds, standard input."""


def initialise(place: Place, binaries: PgBinaries, password: str, run: Run) -> None:
    """An empty cluster whose superuser has `password`. Raises SandboxError.

    The cluster is a copy of one that was made before with these binaries where there is one: a
    copy takes a tenth of initdb's time. Copies share a system identifier, which nothing relies on.
    """
    template = _template(binaries)
    if not _copied(template, place):
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


def _copied(template: Path, place: Place) -> bool:
    try:
        if template.stat().st_uid != os.geteuid():
            return False
        _copy(template, place.data, like=place.inner, env=members.marked(place))
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(place.data, ignore_errors=True)
        return False
    return True


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
    cache = Path(os.path.expanduser("~")).absolute() / ".cache"  # noqa: PTH111 - never raises
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
            _copy(data, fresh / "data", like=fresh, env=os.environ)
            (fresh / "data").rename(template)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _copy(source: Path, target: Path, *, like: Path, env: Mapping[str, str]) -> None:
    """A copy of a folder, owned as `like` is."""
    argv = ["cp", "-R", "-p", str(source), str(target)]
    subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True, env=env
    )
    owner = like.stat()
    if owner.st_uid != target.stat().st_uid:
        subprocess.run(
            ["chown", "-R", "-h", f"{owner.st_uid}:{owner.st_gid}", str(target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
            env=env,
        )
