"""Fixtures that need a real sandbox or a real engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Order, Sandbox
from drillctl.sandbox.providers import process_cell
from drillctl.sandbox.settings import loading

if TYPE_CHECKING:
    from docker import DockerClient

MIB = 1 << 20


def way_in(folder: Path) -> Path:
    """`folder`, writable for a sandbox. Where root has no namespaces nothing can be mounted: the
    sandbox's account gets there only where the folders above, which pytest closes, let it pass."""
    folder.chmod(0o777)
    if process_cell.method_here() == "account":
        for above in folder.parents:
            if above.stat().st_mode & 0o001 == 0 and above.stat().st_uid == os.geteuid():
                above.chmod(above.stat().st_mode | 0o011)
    return folder


def an_order(role: str = "test") -> Order:
    """A small order with a run id of its own."""
    return Order(
        run_id=f"test-{uuid4().hex[:12]}",
        role=role,
        major=None,
        newer_ok=True,
        image=os.environ.get("DRILLCTL_TEST_IMAGE", "drillctl-test/postgres:15"),
        cpus=1,
        memory=512 * MIB,
        # The full corpus restores into one server for a good while.
        timeout=timedelta(
            hours=3 if os.environ.get("DRILLCTL_CORPUS") == "full" else 0, minutes=10
        ),
    )


@pytest.fixture
def order() -> Order:
    return an_order()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.jsonl")
    yield journal
    journal.close()


@pytest.fixture
def sandbox(order: Order, journal: Journal) -> Iterator[Sandbox]:
    """A process sandbox with an empty, running server; gone afterwards."""
    yield from _process_sandbox(order, journal)


@pytest.fixture(scope="module")
def module_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The same, shared by the tests of one module."""
    journal = Journal(tmp_path_factory.mktemp("journal") / "journal.jsonl")
    yield from _process_sandbox(an_order(), journal)
    journal.close()


def _process_sandbox(order: Order, journal: Journal) -> Iterator[Sandbox]:
    from drillctl.sandbox.providers.process import ProcessProvider

    made = ProcessProvider().create(order, journal)
    try:
        made.start(loading(order.memory, order.cpus))
        yield made
    finally:
        left = made.destroy()
    assert left == ()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerClient]:
    """A client of the machine's engine. Without one: skipped, or a failure where CI requires it."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except DockerException as error:
        if os.environ.get("DRILLCTL_REQUIRE_DOCKER") == "1":
            pytest.fail(f"DRILLCTL_REQUIRE_DOCKER=1 and no Docker engine answers: {error}")
        pytest.skip("NOT TESTED: no Docker engine answers")
    yield client
    client.close()
