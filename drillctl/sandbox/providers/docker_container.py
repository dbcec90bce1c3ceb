"""Putting a Docker sandbox together, each side effect journaled before and after."""

from __future__ import annotations

import contextlib
import io
import secrets
import tarfile
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError
from docker.types import Mount as EngineMount

from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.interrupt import shielded
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers import docker_teardown as teardown
from drillctl.sandbox.providers.docker_engine import engine_trouble, lost
from drillctl.sandbox.providers.docker_look import ImageFacts
from drillctl.sandbox.providers.docker_mounts import Shown, as_tar, let_write
from drillctl.sandbox.providers.docker_place import (
    SOCKETS_INSIDE,
    VOLUME_INSIDE,
    Place,
    labels_for,
    place_for,
)

EXPIRED = 124
# The first process inside. At the time limit, or when it is told to terminate, it kills the others,
# throws the data away and ends, whether or not anybody outside still lives.
_FIRST = (
    f'trap : TERM; sleep "$0" & wait $!; kill -9 -1; rm -rf {VOLUME_INSIDE}/in/*; exit {EXPIRED}'
)
_CLAIM = "drillctl.claim"
_HBA = "local all all scram-sha-256\n"
_PIDS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was made, and the effects that the journal knows."""

    place: Place
    image: ImageFacts
    shown: tuple[Shown, ...]
    password: str
    effects: list[tuple[str, str]]

    def __repr__(self) -> str:
        return f"Built({self.place.name!r})"


def build(
    client: docker.DockerClient,
    order: Order,
    image: ImageFacts,
    shown: tuple[Shown, ...],
    journal: Journal,
) -> Built:
    """Raises SandboxError. What was made before an error is removed again."""
    place = place_for(order)
    built = Built(
        place=place,
        image=image,
        shown=shown,
        password=secrets.token_hex(24),
        effects=[],
    )
    try:
        _make_volume(client, order, built, journal)
        _make_folder(built, journal)
        let_write(shown, image.uid, image.gid)
        _make_container(client, order, built, journal)
        _furnish(client, built)
        with engine_trouble("start the container"):
            client.api.start(place.name)
    except BaseException as error:
        if built.effects:  # else the name was another's
            with contextlib.suppress(SandboxError):
                teardown.journal_removal(journal, built.effects, teardown.remove(client, place))
        if isinstance(error, OSError):
            raise _not_made(error) from error
        raise
    return built


def _make_volume(client: docker.DockerClient, order: Order, built: Built, journal: Journal) -> None:
    """The engine hands out a volume that is there already as if it were new: a label tells."""
    name, claim = built.place.name, secrets.token_hex(8)
    labels = labels_for(order, built.place) | {_CLAIM: claim}
    with journal.making("volume", name, folder=str(built.place.folder)), shielded():
        with engine_trouble("make a volume"):
            made = client.api.create_volume(name, labels=labels)
        if (made.get("Labels") or {}).get(_CLAIM) != claim:
            raise _name_taken(f"volume {name}")
        built.effects.append(("volume", name))


def _make_folder(built: Built, journal: Journal) -> None:
    """The folder is the operator's alone; in it, the container's account may make its socket."""
    folder = built.place.folder
    with journal.making("folder", str(folder)), shielded():
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise _name_taken(str(folder)) from None
        built.effects.append(("folder", str(folder)))
        built.place.sockets.mkdir()
        built.place.sockets.chmod(0o777)


def _make_container(
    client: docker.DockerClient, order: Order, built: Built, journal: Journal
) -> None:
    name, image = built.place.name, built.image
    with engine_trouble("ask for its processors"):
        most = float(client.info().get("NCPU") or order.cpus)
    with journal.making("container", name), shielded():
        built.effects.append(("container", name))
        try:
            with engine_trouble("make a container"):
                client.api.create_container(
                    image.image_id,
                    name=name,
                    entrypoint=["sh", "-c", _FIRST],
                    command=[str(max(1, int(order.timeout.total_seconds())))],
                    user=f"{image.uid}:{image.gid}",
                    hostname="sandbox",
                    working_dir="/",
                    labels=labels_for(order, built.place),
                    environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
                    healthcheck={"test": ["NONE"]},
                    host_config=client.api.create_host_config(
                        **_confinement(order, built, most),
                    ),
                )
        except SandboxError as error:
            if isinstance(error.__cause__, APIError) and "bind source path" in error.observed:
                raise _elsewhere(error.observed) from error
            raise


def _confinement(order: Order, built: Built, most: float) -> dict[str, Any]:
    """Everything that keeps the container apart, in one place."""
    binds = [
        EngineMount(SOCKETS_INSIDE, str(built.place.sockets), type="bind"),
        EngineMount(VOLUME_INSIDE, built.place.name, type="volume", no_copy=True),
    ]
    for one in built.shown:
        if not one.copied:
            binds.append(
                EngineMount(one.inside, str(one.host), type="bind", read_only=not one.writable)
            )
    return {
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ipc_mode": "private",
        "mounts": binds,
        "tmpfs": {"/tmp": "size=64m,mode=1777,nosuid,nodev", "/run": "size=1m,mode=0755"},  # noqa: S108
        "mem_limit": order.memory,
        "memswap_limit": order.memory,
        "shm_size": max(64 << 20, order.memory // 2),
        "nano_cpus": int(min(order.cpus, most) * 1e9),
        "pids_limit": _PIDS,
        "log_config": {"Type": "none"},
    }


def _furnish(client: docker.DockerClient, built: Built) -> None:
    """Files of the volume, handed to the engine as archives: it sets their owner, so that no
    process inside ever needs to be root, and the password is in no argument list."""
    with engine_trouble("fill the volume"):
        done = client.api.put_archive(built.place.name, VOLUME_INSIDE, _first_files(built))
        for one in built.shown:
            if done and one.copied:
                # requests sends what it can iterate in pieces; the SDK's stubs say bytes.
                stream: Any = as_tar(one)
                done = client.api.put_archive(built.place.name, VOLUME_INSIDE, stream)
    if not done:
        raise lost("fill the volume")


def _first_files(built: Built) -> bytes:
    image, archive = built.image, io.BytesIO()
    files = {
        "in/pgpass": f"*:*:*:*:{built.password}\n",
        "in/password": f"{built.password}\n",
        "in/hba.conf": _HBA,
        "in/ident.conf": "",
        "in/server.conf": "# every setting is on the command line\n",
        "in/server.log": "",
    }
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("in", "in/data", "in/tmp", *files):
            member = tarfile.TarInfo(name)
            member.uid, member.gid = image.uid, image.gid
            text = files.get(name)
            member.type = tarfile.DIRTYPE if text is None else tarfile.REGTYPE
            member.mode = 0o700 if text is None else 0o600
            body = (text or "").encode()
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return archive.getvalue()


def _name_taken(what: str) -> SandboxError:
    return SandboxError(
        "sandbox.name_taken",
        "a sandbox of this name is already there",
        observed=what,
        hint="run `drillctl sweep`; it removes what dead runs left",
    )


def _elsewhere(said: str) -> SandboxError:
    return SandboxError(
        "sandbox.engine_elsewhere",
        "the Docker engine does not see this machine's files",
        expected="an engine that can mount this machine's folders",
        observed=said,
        hint="run drillctl where the engine runs, or use `--provider process`",
    )


def _not_made(error: OSError) -> SandboxError:
    full = error.errno in (28, 122)  # ENOSPC, EDQUOT
    return SandboxError(
        "sandbox.disk_full" if full else "sandbox.not_made",
        f"the sandbox could not be made: {error.strerror}",
        observed=str(error.filename or ""),
        hint="make room" if full else "look at the rights of that path",
    )
