"""The Docker engine of this machine: reached, and its failures told as the sandbox's."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from drillctl.definition.units import format_size
from drillctl.errors import SandboxError

LOOK_SECONDS = 2
_CALL_SECONDS = 60
_SOCKET = Path("/var/run/docker.sock")
_MEND = "start Docker (`systemctl start docker`), or use `--provider process`"
# What the SDK raises when the engine went away in the middle: its own, requests' and the socket's.
LOST = (DockerException, requests.RequestException, OSError)


def connect(*, seconds: float = _CALL_SECONDS) -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST names, or of this machine's. Raises SandboxError
    `sandbox.engine_missing`. Only a local engine will do: the server's socket is a shared file."""
    try:
        # Saying its version is all it has to do at first: an engine that hangs is soon noticed.
        client = docker.from_env(timeout=LOOK_SECONDS)
        client.api.timeout = int(seconds)
    except LOST as error:
        raise SandboxError(
            "sandbox.engine_missing",
            "no Docker engine answers",
            expected="a Docker engine on this machine",
            observed=os.environ.get("DOCKER_HOST", str(_SOCKET)),
            hint=_MEND,
        ) from error
    if not client.api.base_url.startswith(("http+docker:", "http+unix:")):
        client.close()
        raise SandboxError(
            "sandbox.engine_elsewhere",
            "the Docker engine is reached over the network",
            expected="an engine on this machine: the server's socket is a file shared with it",
            observed=os.environ.get("DOCKER_HOST", ""),
            hint="unset DOCKER_HOST, or use `--provider process`",
        )
    return client


def may_hold_ours() -> bool:
    """Without an engine or a word about one on this machine, nothing of ours can be in it."""
    return "DOCKER_HOST" in os.environ or _SOCKET.exists()


def require_fit(info: dict[str, Any]) -> None:
    """Raises SandboxError when containers of this engine cannot share a socket with us."""
    system = str(info.get("OperatingSystem", ""))
    if info.get("OSType") == "linux" and "Docker Desktop" not in system:
        return
    raise SandboxError(
        "sandbox.engine_elsewhere",
        "this Docker engine runs its containers in a virtual machine",
        expected="a Linux engine that shares sockets with this machine",
        observed=system,
        hint="use `--provider process`",
    )


def require_room(info: dict[str, Any], needed: int) -> None:
    """Raises SandboxError naming what is needed on the engine's disk, and what there is."""
    free = free_bytes(info)
    if free is None or needed <= free:
        return
    root = info.get("DockerRootDir")
    raise SandboxError(
        "sandbox.disk_full",
        f"the sandbox needs {format_size(needed)} and {root} has {format_size(free)}",
        expected=format_size(needed),
        observed=format_size(free),
        hint="make room (`docker system df` shows what Docker keeps), or move its data root",
    )


def free_bytes(info: dict[str, Any]) -> int | None:
    """Free on the engine's data root; None when it cannot be seen from here."""
    try:
        return shutil.disk_usage(str(info["DockerRootDir"])).free
    except (OSError, KeyError):
        return None


@contextlib.contextmanager
def engine_trouble(doing: str) -> Iterator[None]:
    """Whatever the engine says or fails to say becomes a SandboxError."""
    try:
        yield
    except APIError as error:
        said = str(error.explanation or error)
        full = "no space left" in said.lower()
        raise SandboxError(
            "sandbox.disk_full" if full else "sandbox.engine_refused",
            f"the Docker engine refused to {doing}",
            observed=said[:300],
            hint="make room for Docker" if full else "run `drillctl doctor`",
        ) from error
    except LOST as error:
        raise lost(doing) from error


def lost(doing: str) -> SandboxError:
    return SandboxError(
        "sandbox.engine_lost",
        f"the Docker engine was lost while drillctl wanted to {doing}",
        expected="an engine that answers to the end",
        observed="the connection broke",
        hint="look at the engine (`journalctl -u docker`), run `drillctl sweep`, and run again",
    )
