"""What an image holds: Postgres programs, their version, an account to run them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.runs import write_atomically
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers.docker_engine import engine_trouble

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


def fits(major: int, order: Order) -> bool:
    return order.major is None or major == order.major or (order.newer_ok and major > order.major)


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


def _unfit(reference: str, expected: str, observed: str, mend: str = "") -> SandboxError:
    return SandboxError(
        "sandbox.image_unfit",
        f"the image {reference} cannot be a sandbox: needs {expected}, there is {observed}",
        expected=expected,
        observed=observed,
        hint=mend or "name an image such as postgres:17 as `image:` under `sandbox:` in the drill",
    )


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
