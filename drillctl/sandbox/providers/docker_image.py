"""Which image a sandbox is made from, and fetching one that is not here."""

from __future__ import annotations

import os

import docker
from docker.errors import APIError, ImageNotFound, NotFound

from drillctl.definition.units import format_duration
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers.docker_engine import LOST, connect, engine_trouble
from drillctl.sandbox.providers.docker_look import fits

LABEL = "drillctl.postgres"
DEFAULT_MAJOR = 17
_PULL_SECONDS = 20


def wanted(order: Order) -> str | None:
    """The image that somebody named, in the order or in DRILLCTL_IMAGE."""
    return order.image or os.environ.get("DRILLCTL_IMAGE") or None


def official(order: Order) -> str:
    return f"postgres:{order.major or DEFAULT_MAJOR}"


def find_local(client: docker.DockerClient, order: Order) -> str | None:
    """The reference of an image that is here; None when one has to be pulled."""
    named = wanted(order)
    if named is not None:
        return named if _is_local(client, named) else None
    if _is_local(client, official(order)):
        return official(order)
    majors: dict[int, str] = {}
    with engine_trouble("list images"):
        for image in client.images.list(filters={"label": LABEL}):
            text = str(image.labels.get(LABEL, ""))
            if text.isdigit():
                majors.setdefault(int(text), image.tags[0] if image.tags else str(image.id))
    fit = sorted(major for major in majors if fits(major, order))
    if not fit:
        return None
    return majors[order.major if order.major in fit else fit[0] if order.major else fit[-1]]


def require_pullable(client: docker.DockerClient, order: Order) -> None:
    """Raises SandboxError `sandbox.image_missing` unless the engine can see the image in its
    registry, within the client's own timeout."""
    reference = wanted(order) or official(order)
    try:
        client.api.inspect_distribution(reference)  # type: ignore[no-untyped-call]
    except APIError as error:
        raise _missing(order, str(error.explanation or error)) from error
    except LOST as error:
        raise _missing(order, "no registry answers") from error


def pull(client: docker.DockerClient, order: Order, journal: Journal) -> str:
    """Fetch the image from its registry. Raises SandboxError `sandbox.image_missing`."""
    reference = wanted(order) or official(order)
    repository, tag = _split(reference)
    journal.append("image_pulling", image=reference)
    patient = connect(seconds=_PULL_SECONDS)
    said = ""
    try:
        for event in patient.api.pull(repository, tag=tag, stream=True, decode=True):
            said = str(event.get("error", ""))
            if said:
                break
    except APIError as error:
        said = str(error.explanation or error)
    except LOST:
        said = f"the registry sent nothing for {format_duration(_PULL_SECONDS)}"
    finally:
        patient.close()
    if said or not _is_local(client, reference):
        raise _missing(order, said or "the pull ended without an image")
    journal.append("image_pulled", image=reference)
    return reference


def _missing(order: Order, said: str) -> SandboxError:
    reference = wanted(order) or official(order)
    return SandboxError(
        "sandbox.image_missing",
        f"the image {reference} is not on this machine and could not be pulled",
        expected=reference,
        observed=said[:300],
        hint=f"`docker pull {reference}` where a registry answers, or name an image that is here "
        "(`docker image ls`) as `image:` under `sandbox:` or in DRILLCTL_IMAGE",
    )


def _is_local(client: docker.DockerClient, reference: str) -> bool:
    with engine_trouble(f"look for the image {reference}"):
        try:
            client.images.get(reference)
        except (ImageNotFound, NotFound):
            return False
    return True


def _split(reference: str) -> tuple[str, str | None]:
    if "@" in reference:
        return reference, None
    head, _, last = reference.rpartition("/")
    name, _, tag = last.partition(":")
    return (f"{head}/{name}" if head else name), tag or "latest"
