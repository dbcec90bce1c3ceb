"""Where a process sandbox lies on disk, and whose it is.

<base>/drillctl-1a2b3c4d.owner   a symbolic link whose text names the owner: made first and
                                 removed last, in one step each, so that no crash leaves a
                                 folder that nobody owns up to
<base>/drillctl-1a2b3c4d/        the owner's (root:<uid> 0710, or 0700); never seen inside
    in/                          the sandbox's own, 0700: data, socket, log, password file
    root/                        where its own root file system is put together
    staged/                      copies of mounted files that its account could not read
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from drillctl.errors import SandboxError
from drillctl.evidence.owner import Owner, this_process

BASE = "DRILLCTL_SANDBOX_DIR"
PREFIX = "drillctl-"
PORT = 5432
_LONGEST_SOCKET = 107  # bytes in sockaddr_un, without the closing zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    base: Path
    name: str

    @property
    def folder(self) -> Path:
        return self.base / self.name

    @property
    def owner_link(self) -> Path:
        return self.base / f"{self.name}.owner"

    @property
    def inner(self) -> Path:
        return self.folder / "in"

    @property
    def data(self) -> Path:
        return self.inner / "data"

    @property
    def sockets(self) -> Path:
        return self.inner / "s"

    @property
    def log(self) -> Path:
        return self.inner / "server.log"

    @property
    def passfile(self) -> Path:
        return self.inner / "pgpass"

    @property
    def script(self) -> Path:
        return self.folder / "cell.sh"


def base_folder() -> Path:
    """On disk rather than in memory, and short enough for a socket path. Never $TMPDIR: it is long
    on a Mac."""
    chosen = os.environ.get(BASE)
    if chosen:
        return Path(chosen).resolve()
    for folder in (Path("/var/tmp"), Path("/tmp")):  # noqa: S108 - names are made with O_EXCL
        if os.access(folder, os.W_OK | os.X_OK):
            return folder.resolve()
    raise SandboxError(
        "sandbox.no_room",
        "no folder for sandboxes can be written",
        expected="/var/tmp or /tmp",  # noqa: S108
        hint=f"set {BASE} to a short path on a disk with room",
    )


def place_for(run_id: str, role: str) -> Place:
    """Deterministic, so that a journal that only says what was intended is enough to find it."""
    word = hashlib.sha256(f"{run_id}/{role}".encode()).hexdigest()[:8]
    place = Place(base=base_folder(), name=PREFIX + word)
    socket = place.sockets / f".s.PGSQL.{PORT}"
    if len(os.fsencode(socket)) > _LONGEST_SOCKET:
        raise SandboxError(
            "sandbox.path_too_long",
            "the path of the server's socket would be too long",
            expected=f"at most {_LONGEST_SOCKET} bytes",
            observed=str(socket),
            hint=f"set {BASE} to a shorter path",
        )
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose a place is."""

    place: Place
    owner: Owner
    run_id: str


def claim(place: Place, run_id: str, role: str, cgroups: tuple[Path, ...]) -> None:
    """Own up to `place` and to `cgroups`. Raises SandboxError when somebody already did."""
    words = {"owner": this_process().as_dict(), "run_id": run_id, "role": role}
    text = json.dumps(words | {"cgroups": [str(folder) for folder in cgroups]})
    try:
        place.owner_link.symlink_to(text)
    except FileExistsError:
        raise SandboxError(
            "sandbox.name_taken",
            "a sandbox of this name is already there",
            observed=str(place.owner_link),
            hint="run `drillctl sweep`; it removes what dead runs left",
        ) from None


def claims(base: Path) -> tuple[Claim, ...]:
    """Every place under `base` that this user owns up to. Another user's link proves nothing."""
    found = []
    for link in sorted(base.glob(f"{PREFIX}*.owner")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if link.lstat().st_uid != os.geteuid():
                continue
            raw = json.loads(str(link.readlink()))
            place = Place(base=base, name=link.name.removesuffix(".owner"))
            owner = Owner.from_dict(raw["owner"])
            found.append(Claim(place=place, owner=owner, run_id=str(raw["run_id"])))
    return tuple(found)


def cgroups_of(place: Place) -> tuple[Path, ...]:
    """The cgroup folders that the claim on `place` names."""
    try:
        raw = json.loads(str(place.owner_link.readlink()))
        folders = tuple(Path(folder) for folder in raw["cgroups"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(folder for folder in folders if folder.name == place.name)
