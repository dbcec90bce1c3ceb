"""The isolation probes of a container see a gap when there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from docker import DockerClient

from drillctl.evidence.journal import Journal
from drillctl.sandbox.providers import docker_container
from drillctl.sandbox.providers.docker import DockerProvider
from drillctl.sandbox.providers.docker_sandbox import DockerSandbox
from tests.conftest import an_order

pytestmark = pytest.mark.docker


@pytest.fixture
def loose(
    docker_engine: DockerClient, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DockerSandbox]:
    """A sandbox from which everything that confines it was left out."""
    strict = docker_container._confinement

    def none(order: object, built: object, most: float) -> dict[str, object]:
        kept = strict(order, built, most)  # type: ignore[arg-type]
        return {"mounts": kept["mounts"], "network_mode": "bridge"}

    monkeypatch.setattr(docker_container, "_confinement", none)
    order = an_order("loose")
    box = DockerProvider().create(replace(order, image="drillctl-test/postgres:18"), journal)
    yield box
    assert box.destroy() == ()


def test_a_container_without_confinement_is_seen_through(loose: DockerSandbox) -> None:
    loose._built.place.folder.chmod(0o755)
    open_ways = {probe.name for probe in loose.facts().isolation if probe.held is False}
    assert {
        "a route out",
        "a network interface but loopback",
        "gain privileges",
        "memory limit",
        "process limit",
        "processor limit",
        "socket out of other accounts' reach",
    } <= open_ways
