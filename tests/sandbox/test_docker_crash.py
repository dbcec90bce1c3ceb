"""A run killed between any two facts leaves nothing that sweep does not find; names do not meet."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from docker import DockerClient

from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner, is_alive
from drillctl.sandbox.contract import Mount, Order
from drillctl.sandbox.providers.docker import DockerProvider
from drillctl.sandbox.providers.docker_place import place_for
from tests.conftest import an_order

pytestmark = pytest.mark.docker
CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.conftest import an_order
from drillctl.evidence.journal import Journal
from drillctl.sandbox.providers.docker import DockerProvider
run_id, path = sys.argv[1:]
order = replace(an_order("crash"), run_id=run_id)
box = DockerProvider().create(order, Journal(Path(path)))
box.destroy()
"""


def is_dead(owner: Owner) -> bool:
    return is_alive(owner) is False


def there(client: DockerClient, order: Order) -> list[str]:
    place = place_for(order)
    found = [str(place.folder)] if place.folder.exists() else []
    for kind, look in (
        ("container", client.api.inspect_container),
        ("volume", client.api.inspect_volume),
    ):
        try:
            look(place.name)
        except docker.errors.NotFound:
            continue
        found.append(kind)
    return found


@pytest.mark.parametrize("line", range(1, 10))
def test_killed_after_any_line_of_the_journal_nothing_stays_after_sweep(
    docker_engine: DockerClient, tmp_path: Path, line: int
) -> None:
    order = an_order("crash")
    argv = [sys.executable, "-W", "ignore", "-c", CHILD, order.run_id, str(tmp_path / "j")]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        argv,
        env={"DRILLCTL_CRASH_AT": str(line), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -9, done.stderr[-400:]
    swept = [one for one in DockerProvider().sweep(is_dead) if one.run_id == order.run_id]
    assert all(one.removed for one in swept)
    assert there(docker_engine, order) == []


def test_a_name_that_is_taken_is_refused_and_its_owner_unharmed(
    docker_engine: DockerClient, journal: Journal
) -> None:
    order = an_order("taken")
    box = DockerProvider().create(order, journal)
    try:
        with pytest.raises(SandboxError) as caught:
            DockerProvider().create(order, journal)
        assert caught.value.finding == "sandbox.name_taken"
        assert box.run(Command(argv=("echo", "here")), timeout=20).stdout == "here\n"
    finally:
        assert box.destroy() == ()


def test_mounts_that_are_missing_linked_or_writable(
    docker_engine: DockerClient, journal: Journal, tmp_path: Path
) -> None:
    nowhere = replace(an_order("mounts"), mounts=(Mount(host=tmp_path / "no"),))
    with pytest.raises(SandboxError) as caught:
        DockerProvider().create(nowhere, journal)
    assert caught.value.finding == "sandbox.mount_missing"
    assert there(docker_engine, nowhere) == []

    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a b").write_text("words")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "out").mkdir()
    mounts = (Mount(host=tmp_path / "link"), Mount(host=tmp_path / "out", writable=True))
    box = DockerProvider().create(replace(an_order("mounts"), mounts=mounts), journal)
    try:
        inside = box.inside(tmp_path / "link" / "a b")
        assert box.run(Command(argv=("cat", inside)), timeout=20).stdout == "words"
        target = box.inside(tmp_path / "out" / "new")
        copied = box.run(Command(argv=("cp", inside, target)), timeout=20)
        assert copied.exit_code == 0, copied.stderr
    finally:
        assert box.destroy() == ()
    assert (tmp_path / "out" / "new").read_text() == "words"
