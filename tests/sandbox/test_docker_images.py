"""Any image with Postgres binaries will do, and what does not do is said before a restore."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import docker
import pytest
from docker import DockerClient

from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers import docker_image as images
from drillctl.sandbox.providers.docker import DockerProvider
from tests.conftest import an_order

pytestmark = pytest.mark.docker
DEBIAN, WHEEL = "drillctl-test/postgres:15", "drillctl-test/postgres:18"


def ordered(major: int | None, *, newer_ok: bool = False, image: str | None = None) -> Order:
    return replace(an_order("image"), major=major, newer_ok=newer_ok, image=image)


@pytest.fixture(autouse=True)
def _no_official_images(docker_engine: DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice among the test images is what is tested here."""
    monkeypatch.setattr(images, "official", lambda order: f"drillctl-test/none:{order.major}")
    monkeypatch.delenv("DRILLCTL_IMAGE", raising=False)


@pytest.fixture
def stripped(docker_engine: DockerClient) -> Iterator[str]:
    """An image with a shell and an account, but no server."""
    tag = f"drillctl-test/stripped:{an_order().run_id}"
    text = f"FROM {WHEEL}\nUSER root\nRUN rm /usr/local/bin/postgres\n"
    docker_engine.images.build(
        fileobj=io.BytesIO(text.encode()), tag=tag, network_mode="none", rm=True, forcerm=True
    )
    yield tag
    docker_engine.images.remove(tag, force=True)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ordered(15), DEBIAN),
        (ordered(15, newer_ok=True), DEBIAN),
        (ordered(16, newer_ok=True), WHEEL),
        (ordered(18), WHEEL),
        (ordered(None), WHEEL),
        (ordered(16), None),
        (ordered(19, newer_ok=True), None),
        (ordered(15, image=WHEEL), WHEEL),
    ],
)
def test_the_closest_image_that_fits_is_chosen(
    docker_engine: DockerClient, order: Order, expected: str | None
) -> None:
    found = images.find_local(docker_engine, order)
    # Another image with the same label would do as well.
    labels = [docker_engine.images.get(one).labels if one else None for one in (found, expected)]
    assert labels[0] == labels[1]


def test_the_environment_names_an_image(
    docker_engine: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLCTL_IMAGE", DEBIAN)
    assert images.find_local(docker_engine, ordered(None)) == DEBIAN


def test_both_images_are_looked_into_and_run_a_server(
    docker_engine: DockerClient, journal: Journal
) -> None:
    volumes: set[str] = set()
    for image, major, folder in (
        (DEBIAN, 15, "/usr/lib/postgresql/15/bin"),
        (WHEEL, 18, "/usr/local/bin"),
    ):
        box = DockerProvider().create(ordered(major, image=image), journal)
        try:
            box.start({})
            assert box.tool("psql") == f"{folder}/psql"
            assert box.major == major
            told = docker_engine.api.inspect_container(box.name)
            volumes |= {one["Name"] for one in told["Mounts"] if one["Type"] == "volume"}
            told = json.dumps(told)
            assert box.endpoint.password not in told
            assert '"CapDrop": ["ALL"]' in told
            open_ways = [probe for probe in box.facts().isolation if not probe.held]
            assert not open_ways
        finally:
            assert box.destroy() == ()
    assert len(volumes) == 3, "one each, and the VOLUME of an image"
    assert not volumes & {volume.name for volume in docker_engine.volumes.list()}


def test_a_wrong_major_is_refused_by_name(journal: Journal) -> None:
    with pytest.raises(SandboxError) as caught:
        DockerProvider().create(ordered(15, image=WHEEL), journal)
    assert caught.value.finding == "sandbox.image_unfit"
    assert "PostgreSQL 15" in caught.value.expected
    assert "PostgreSQL 18" in caught.value.observed
    assert "postgres:15" in caught.value.hint


def test_an_image_without_a_server_is_refused_by_name(stripped: str, journal: Journal) -> None:
    with pytest.raises(SandboxError) as caught:
        DockerProvider().create(ordered(None, image=stripped), journal)
    assert caught.value.finding == "sandbox.image_unfit"
    assert "no program `postgres`" in caught.value.message


def test_an_image_without_a_shell_is_refused_by_name(
    docker_engine: DockerClient, journal: Journal
) -> None:
    tag = f"drillctl-test/empty:{an_order().run_id}"
    repository, _, version = tag.partition(":")
    empty = io.BytesIO(b"\0" * 10240)
    docker_engine.api.import_image_from_data(empty.getvalue(), repository, version)
    try:
        with pytest.raises(SandboxError) as caught:
            DockerProvider().create(ordered(None, image=tag), journal)
    finally:
        docker_engine.images.remove(tag, force=True)
    assert caught.value.finding == "sandbox.image_unfit"
    assert "`sh`" in caught.value.message
    with pytest.raises(docker.errors.ImageNotFound):
        docker_engine.images.get(tag)
