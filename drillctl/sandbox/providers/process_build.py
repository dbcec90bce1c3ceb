"""Putting a process sandbox together, each side effect journaled before and after."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from drillctl.clock import Deadline
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.interrupt import shielded
from drillctl.sandbox.binaries import PgBinaries
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers import process_cgroup as cgroup
from drillctl.sandbox.providers import process_teardown as teardown
from drillctl.sandbox.providers.process_cell import (
    Cell,
    account_for,
    entering,
    method_here,
    supervisor,
)
from drillctl.sandbox.providers.process_members import marked
from drillctl.sandbox.providers.process_mounts import Shown, copy_tree, shown_mounts, stage
from drillctl.sandbox.providers.process_place import Place, claim, place_for
from drillctl.sandbox.providers.process_root import passwd, root_script

_START_SECONDS = 20
_LOG_RESERVE = 1 << 20
_HBA = "local all all scram-sha-256\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was made. `supervisor` is None where there are no namespaces; `limit` began no later
    than its own count, so that what it ends is known to have expired."""

    place: Place
    cell: Cell
    binaries: PgBinaries
    shown: tuple[Shown, ...]
    password: str
    supervisor: subprocess.Popen[bytes] | None
    limit: Deadline
    effects: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"Built({self.place.name!r})"


def build(order: Order, binaries: PgBinaries, journal: Journal) -> Built:
    """Raises SandboxError. What was made before an error is removed again."""
    place, method = place_for(order.run_id, order.role), method_here()
    uid, gid = account_for(place.name, method)
    seconds = max(1, int(order.timeout.total_seconds()))
    cell = Cell(method=method, uid=uid, gid=gid, seconds=seconds)
    limits = cgroup.folders(place.name)
    effects: list[tuple[str, str]] = []
    process: subprocess.Popen[bytes] | None = None
    limit = Deadline(seconds)
    try:
        with journal.making("folder", str(place.folder), owner=str(place.owner_link)), shielded():
            claim(place, order.run_id, order.role, limits)
            effects.append(("folder", str(place.folder)))
        with _as_sandbox_error():
            shown = shown_mounts(place, cell, order.mounts)
            programs = _furnish(place, cell, binaries, shown, order.memory)
        if limits:
            effects.append(("cgroup", place.name))
            with journal.making("cgroup", place.name):
                cell = replace(cell, groups=cgroup.make(limits, order.memory, order.cpus))
        if cell.own_root:
            effects.append(("process", f"{place.name}/supervisor"))
            with journal.making(*effects[-1]), shielded():
                limit = Deadline(seconds)
                process, init = _supervise(cell, place)
                cell = replace(cell, init=init)
    except BaseException:
        if effects:  # else the name was another's
            teardown.journal_removal(journal, tuple(effects), teardown.remove(place))
        if process is not None:
            process.wait()
        raise
    return Built(
        place=place,
        cell=cell,
        binaries=programs,
        shown=shown,
        password=place.passfile.read_text().strip().rpartition(":")[2],
        supervisor=process,
        limit=limit,
        effects=tuple(effects),
    )


def _furnish(
    place: Place, cell: Cell, binaries: PgBinaries, shown: tuple[Shown, ...], memory: int
) -> PgBinaries:
    """The folder and all that is in it; returns the programs as the account inside sees them."""
    place.folder.mkdir(mode=0o700)
    for folder in (place.inner, place.sockets, place.inner / "tmp", place.folder / "root"):
        folder.mkdir(mode=0o700)
    _write(place.passfile, f"*:*:*:*:{secrets.token_hex(24)}\n")
    _write(place.log, "")
    _reserve(place.log)
    _write(place.inner / "hba.conf", _HBA)
    _write(place.inner / "ident.conf", "")
    _write(place.inner / "server.conf", "# every setting is on the command line\n")
    _write(place.folder / "passwd", passwd(cell), mode=0o644)
    stage(shown, cell, marked(place))
    _write(place.script, root_script(cell, place, binaries.roots, shown, memory))
    if cell.uid != os.geteuid():
        for path in (place.inner, *place.inner.rglob("*")):
            os.chown(path, cell.uid, cell.gid)
        # Its own group, and nobody else's account, may pass through to `in`.
        os.chown(place.folder, os.geteuid(), cell.gid)
        place.folder.chmod(0o710)
    return binaries if cell.own_root else _reachable(place, cell, binaries)


def _reachable(place: Place, cell: Cell, binaries: PgBinaries) -> PgBinaries:
    """Programs below somebody's private home cannot be run by another account: a copy can."""
    probe = entering(cell, ("test", "-x", binaries.program("postgres")))
    if subprocess.run(probe, capture_output=True, timeout=20, check=False).returncode == 0:
        return binaries
    # As they lie to each other: programs may look for libraries by a relative path.
    base = Path(os.path.commonpath([root.parent for root in binaries.roots]))
    copies = place.folder / "programs"
    for root in binaries.roots:
        copy = copies / root.relative_to(base)
        for folder in (copies, copy.parent):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        copy_tree(root, copy, marked(place))
    return replace(binaries, path=copies / binaries.path.relative_to(base))


def _supervise(cell: Cell, place: Place) -> tuple[subprocess.Popen[bytes], int]:
    """Start the first process inside and wait until its root file system stands; with its pid."""
    process = subprocess.Popen(
        supervisor(cell, place.script),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        cwd="/",
        start_new_session=True,
    )
    said = _first_line(process, Deadline(_START_SECONDS))
    word, _, pid = said.partition(" ")
    if word != "ready":
        process.kill()
        _, err = process.communicate()
        lines = [
            line for line in err.decode("utf-8", "replace").splitlines() if "dmesg" not in line
        ]
        raise SandboxError(
            "sandbox.not_isolated",
            "the sandbox's own root file system could not be made",
            observed=lines[-1][:300] if lines else "no answer",
            hint="set DRILLCTL_ISOLATION=none to go on without namespaces; the debrief will say so",
        )
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return process, int(pid)


def _first_line(process: subprocess.Popen[bytes], deadline: Deadline) -> str:
    assert process.stdout is not None  # noqa: S101 - for the type checker; it is a pipe
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n") and selector.select(timeout=deadline.remaining()):
            chunk = os.read(process.stdout.fileno(), 256)
            if not chunk:
                break
            line += chunk
    return line.decode().strip()


def _reserve(log: Path) -> None:
    """Blocks beyond the end of the log, so that a full disk can still be written down there."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        argv = ["fallocate", "--keep-size", "--length", str(_LOG_RESERVE), str(log)]
        subprocess.run(argv, capture_output=True, timeout=10, check=False)


def _write(path: Path, text: str, *, mode: int = 0o600) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as stream:
        stream.write(text)


@contextlib.contextmanager
def _as_sandbox_error() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (28, 122)  # ENOSPC, EDQUOT
        raise SandboxError(
            "sandbox.disk_full" if full else "sandbox.not_made",
            f"the sandbox's folder could not be made: {error.strerror}",
            observed=str(error.filename or ""),
            hint="make room" if full else "look at the rights of that path",
        ) from error
