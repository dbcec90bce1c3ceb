"""Which image a sandbox is made from: any that has Postgres binaries and an account to run them."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound, NotFound

from drillctl.definition.units import format_duration
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.runs import write_atomically
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers.docker_engine import LOST, connect, engine_trouble

LABEL = "drillctl.postgres"
DEFAULT_MAJOR = 17
_PULL_SECONDS = 20
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LOOK = """
for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/bin /usr/local/pgsql/bin \
/opt/bitnami/postgresql/bin; do
    [ -x "$d/postgres" ] && echo "bin $d $("$d/postgres" --version)"
done
p=$(command -v postgres) && echo "bin ${p%/*} $("$p" --version)"
while IFS=: read -r name _ uid gid _; do
    case $name in postgres|nobody) echo "user $name $uid $gid" ;; esac
done < /etc/passwd
exit 0"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image was found to hold. `bin` is the folder of its Postgres programs."""

    image_id: str
    reference: str
    bin: str
    version: str
    major: int
    uid: int
    gid: int


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


def fits(major: int, order: Order) -> bool:
    return order.major is None or major == order.major or (order.newer_ok and major > order.major)


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


def look_into(
    client: docker.DockerClient, reference: str, journal: Journal, name: str, labels: dict[str, str]
) -> ImageFacts:
    """What the image holds, by running a shell in it without network; remembered by image id.
    Raises SandboxError `sandbox.image_unfit`."""
    with engine_trouble(f"look at the image {reference}"):
        image = client.images.get(reference)
        engine = client.info()
    image_id, arch = str(image.id), image.attrs.get("Architecture")
    remembered = _remembered().get(image_id)
    if remembered is not None:
        return ImageFacts(**{**remembered, "reference": reference})
    here = _ARCHITECTURES.get(str(engine.get("Architecture")), str(engine.get("Architecture")))
    if arch and arch != here:
        raise _unfit(reference, f"an image for {here}", f"an image for {arch}")
    facts = _facts_from(_listing(client, reference, journal, name, labels), reference, image_id)
    _remember(facts)
    return facts


def require_fit(facts: ImageFacts, order: Order) -> None:
    """Raises SandboxError when the image's Postgres is of another major than was ordered."""
    if fits(facts.major, order):
        return
    need = f"PostgreSQL {order.major}" + (" or newer" if order.newer_ok else "")
    mend = f"set `image: postgres:{order.major}` under `sandbox:` in the drill"
    raise _unfit(facts.reference, need, f"PostgreSQL {facts.version}", mend)


def _listing(
    client: docker.DockerClient, reference: str, journal: Journal, name: str, labels: dict[str, str]
) -> str:
    container = None
    with journal.making("container", name), engine_trouble(f"look into the image {reference}"):
        try:
            container = client.containers.create(
                reference,
                entrypoint=["sh", "-c", _LOOK],
                command=[],
                name=name,
                user="65534:65534",
                labels=labels,
                network_mode="none",
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit=256 << 20,
                pids_limit=64,
            )
            container.start()
            container.wait(timeout=30)
            text = container.logs(stdout=True, stderr=False).decode("utf-8", "replace")
        except APIError as error:
            said = str(error.explanation or error)
            if "executable file not found" in said or "exec format" in said:
                raise _unfit(reference, "an image with `sh`", said[:200]) from error
            raise
        finally:
            if container is not None:
                container.remove(force=True, v=True)
    journal.unmade("container", name)
    return text


def _facts_from(listing: str, reference: str, image_id: str) -> ImageFacts:
    found: dict[int, tuple[str, str]] = {}
    users: dict[str, tuple[int, int]] = {}
    for line in listing.splitlines():
        if match := re.match(r"bin (\S+) .*\(PostgreSQL\) ((\d+)\S*)", line):
            found.setdefault(int(match[3]), (match[1], match[2]))
        elif match := re.match(r"user (\w+) (\d+) (\d+)$", line):
            users[match[1]] = (int(match[2]), int(match[3]))
    if not found:
        raise _unfit(reference, "an image with the Postgres server", "no program `postgres` in it")
    uid, gid = users.get("postgres") or users.get("nobody") or (0, 0)
    if uid == 0:
        raise _unfit(reference, "an account `postgres` in the image", "no such account but root")
    major = max(found)
    folder, version = found[major]
    return ImageFacts(
        image_id=image_id,
        reference=reference,
        bin=folder,
        version=version,
        major=major,
        uid=uid,
        gid=gid,
    )


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


def _unfit(reference: str, expected: str, observed: str, mend: str = "") -> SandboxError:
    return SandboxError(
        "sandbox.image_unfit",
        f"the image {reference} cannot be a sandbox: needs {expected}, there is {observed}",
        expected=expected,
        observed=observed,
        hint=mend or "name an image such as postgres:17 as `image:` under `sandbox:` in the drill",
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


def _cache() -> Path:
    return Path.home() / ".cache" / "drillctl" / "images.json"


def _remembered() -> dict[str, dict[str, Any]]:
    try:
        raw = json.loads(_cache().read_text())
        return {key: value for key, value in raw.items() if set(value) == set(_FIELDS)}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _remember(facts: ImageFacts) -> None:
    """A cache that cannot be written is only slower."""
    try:
        _cache().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = _remembered() | {facts.image_id: asdict(facts)}
        write_atomically(_cache(), json.dumps(known, indent=1))
    except OSError:
        return


_FIELDS = tuple(ImageFacts.__dataclass_fields__)
