"""The Docker engine goes away during a drill, or lacks what it needs: never a bad backup."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from tests.commandline import Ran, await_moment
from tests.sabotage.ground import Ground, finding, ground
from tests.sabotage.sources import HUNGRY, INDEX, WIDE, later, take_dumps
from tests.sandbox.docker_proxy import EngineProxy

__all__ = ["ground"]
pytestmark = [pytest.mark.docker, pytest.mark.postgres, pytest.mark.slow]

COUNT = "row_counts: {min_total: 1}"
SLEEP = "query: {name: sleeps, sql: select length(pg_sleep(4)::text), expect: {value: 0}}"


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    recipes = {"big.dump": WIDE, "hungry.dump": later(INDEX, HUNGRY)}
    return take_dumps(tmp_path_factory.mktemp("dumps"), recipes)


@pytest.fixture
def proxy(docker_engine: DockerClient) -> Iterator[EngineProxy]:
    folder = Path(tempfile.mkdtemp(prefix="proxy-", dir="/tmp"))
    made = EngineProxy(folder / "engine.sock")
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.mark.parametrize("moment", ["effect_intended", "provisioned", "restored"])
def test_the_engine_dies_during_a_drill(
    moment: str, dumps: dict[str, Path], proxy: EngineProxy, ground: Ground
) -> None:
    drill = ground.drill(dumps["big.dump"], COUNT, SLEEP, provider="docker")
    out = ground.fresh_out()
    process = ground.start(drill, out, env={"DOCKER_HOST": proxy.address})
    await_moment(out, moment, process)
    proxy.lose()
    stdout, stderr = process.communicate(timeout=90)
    ran = Ran(exit_code=process.returncode, stdout=stdout, stderr=stderr, out=out)
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    assert finding(ran, "sandbox.engine_lost")["hint"]
    assert ran.record["verdict"] == "inconclusive"
    assert ran.record["statuses"]["restore"] == (
        "passed" if moment == "restored" else "inconclusive"
    )
    assert ran.record["statuses"]["cleanup"] != "passed"
    assert ran.record["rto"]["actual_seconds"] is None
    assert "Traceback" not in ran.stderr
    swept = ground.call("sweep", env={"DOCKER_HOST": proxy.address})
    assert swept.returncode == 3, "an engine that does not answer was not looked into"
    proxy.down = False
    ground.sweep()
    assert ground.traces() == []


def test_an_image_that_is_nowhere(
    docker_engine: DockerClient, dumps: dict[str, Path], ground: Ground
) -> None:
    drill = ground.drill(dumps["big.dump"], COUNT, provider="docker")
    ran = ground.run(drill, "--image", "localhost:1/drillctl/nothing:1")
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    told = finding(ran, "sandbox.unavailable")
    assert "localhost:1/drillctl/nothing:1" in told["observed"]
    assert "docker pull" in told["hint"]
    assert ran.record["statuses"]["restore"] == "inconclusive"
    assert ground.traces() == []


def test_out_of_memory_in_a_container(
    docker_engine: DockerClient, dumps: dict[str, Path], ground: Ground
) -> None:
    drill = ground.drill(dumps["hungry.dump"], COUNT, provider="docker", memory="128MiB")
    ran = ground.run(drill)
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    assert finding(ran, "sandbox.oom")["hint"]
    assert ran.record["statuses"]["restore"] == "inconclusive"
    assert ground.traces() == []


def test_a_restore_client_that_dies_in_a_container(
    docker_engine: DockerClient, dumps: dict[str, Path], ground: Ground
) -> None:
    drill = ground.drill(dumps["big.dump"], COUNT, provider="docker")
    out = ground.fresh_out()
    process = ground.start(drill, out)
    await_moment(out, "provisioned", process)
    inside = str(dumps["big.dump"].name)
    deadline = time.monotonic() + 30
    killed = False
    while not killed and process.poll() is None and time.monotonic() < deadline:
        for proc in Path("/proc").glob("[0-9]*"):
            try:
                argv = (proc / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argv[0].endswith(b"pg_restore") and argv[-2].endswith(inside.encode()):
                os.kill(int(proc.name), signal.SIGKILL)
                killed = True
    stdout, stderr = process.communicate(timeout=60)
    ran = Ran(exit_code=process.returncode, stdout=stdout, stderr=stderr, out=out)
    assert killed, "no pg_restore was ever seen"
    assert ran.exit_code == 3, (ran.stderr, ran.finding_ids)
    assert "sandbox.client_killed" in ran.finding_ids
    assert ground.traces() == []
