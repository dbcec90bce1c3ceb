"""Removing a Docker sandbox, and looking again. The same for our own and for a dead run's."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import APIError, NotFound

from drillctl.clock import Deadline
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner
from drillctl.sandbox.contract import Leftover
from drillctl.sandbox.providers.docker_engine import engine_trouble
from drillctl.sandbox.providers.docker_place import OWNER, RUN, Place, folder_in, owner_in

_WIPE_SECONDS = 10.0


def remove(client: docker.DockerClient, place: Place) -> tuple[str, ...]:
    """The data is thrown away, so nothing is shut down first: the container is killed. Returns
    what is still there when looked for again. Raises SandboxError when the engine is gone."""
    left = []
    with engine_trouble("remove the sandbox"):
        said = _remove_container(client, place.name)
        if _container_is_there(client, place.name):
            left.append(f"container {place.name}{said}")
    with contextlib.suppress(OSError):
        shutil.rmtree(place.folder)
    if os.path.lexists(place.folder):
        left.append(f"folder {place.folder}")
    if left:
        # The volume's labels are what sweep finds the rest by.
        return (*left, f"volume {place.name}")
    with engine_trouble("remove the sandbox's volume"):
        with contextlib.suppress(NotFound, APIError):
            client.api.remove_volume(place.name, force=True)
        if _volume_is_there(client, place.name):
            left.append(f"volume {place.name}")
    return tuple(left)


def journal_removal(
    journal: Journal, effects: list[tuple[str, str]], left: tuple[str, ...]
) -> None:
    """Say of each effect that it was undone, unless one of its kind is still there."""
    kinds = {item.partition(" ")[0] for item in left}
    for kind, name in reversed(effects):
        if kind not in kinds:
            journal.unmade(kind, name)


def sweep(client: docker.DockerClient, is_dead: Callable[[Owner], bool]) -> tuple[Leftover, ...]:
    """Remove what dead owners left; a live owner's is not touched."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    with engine_trouble("look for what dead runs left"):
        for volume in client.volumes.list(filters={"label": OWNER}):
            labels = dict(volume.attrs.get("Labels") or {})
            found[str(volume.name)] = ("volume", labels)
        for container in client.api.containers(all=True, filters={"label": OWNER}):
            name = str(container["Names"][0]).lstrip("/")
            found[name] = ("container", dict(container["Labels"]))
    leftovers = []
    for name, (kind, labels) in sorted(found.items()):
        owner = owner_in(labels)
        if owner is None or not is_dead(owner):
            continue
        left = remove(client, Place(name=name, folder=folder_in(labels) or Path("/nonexistent")))
        leftovers.append(
            Leftover(
                kind=kind,
                name=name,
                run_id=labels.get(RUN, ""),
                removed=not left,
                detail=", ".join(left),
            )
        )
    return tuple(leftovers)


def _remove_container(client: docker.DockerClient, name: str) -> str:
    _throw_data_away(client, name)
    try:
        client.api.remove_container(name, force=True, v=True)
    except NotFound:
        return ""
    except APIError as error:
        return f" ({error.explanation})"
    return ""


def _throw_data_away(client: docker.DockerClient, name: str) -> None:
    """Removing a container flushes its file system: 1.6 s for a fresh GB that nobody will read.
    Its first process deletes the data when told to terminate; if it does not, removing does."""
    deadline = Deadline(_WIPE_SECONDS)
    with contextlib.suppress(NotFound, APIError):
        client.api.kill(name, signal="TERM")
        while not deadline.passed and client.api.inspect_container(name)["State"]["Running"]:
            time.sleep(0.02)


def _container_is_there(client: docker.DockerClient, name: str) -> bool:
    try:
        client.api.inspect_container(name)
    except NotFound:
        return False
    return True


def _volume_is_there(client: docker.DockerClient, name: str) -> bool:
    try:
        client.api.inspect_volume(name)
    except NotFound:
        return False
    return True
