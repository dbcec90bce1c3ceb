"""The engine is lost, hangs, refuses or lies elsewhere: said by name, never taken for a success."""

from __future__ import annotations

import io
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker import DockerClient

from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.sandbox.providers.docker import DockerProvider
from drillctl.sandbox.providers.docker_exec import MarkedStream
from drillctl.sandbox.providers.docker_sandbox import DockerSandbox
from tests.conftest import an_order
from tests.sandbox.docker_proxy import EngineProxy

pytestmark = pytest.mark.docker
TALK = Command(argv=("sh", "-c", "echo one; sleep 1; echo two; exit 0"))


@pytest.fixture
def proxy(docker_engine: DockerClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProxy]:
    folder = Path(tempfile.mkdtemp(prefix="proxy-", dir="/tmp"))
    made = EngineProxy(folder / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", made.address)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture
def box(proxy: EngineProxy, journal: Journal) -> Iterator[DockerSandbox]:
    made = DockerProvider().create(an_order("engine"), journal)
    yield made
    proxy.down = False
    assert made.destroy() == ()


class Cutter(io.BytesIO):
    """Cuts the connection when the first output arrives."""

    def __init__(self, cut: object) -> None:
        super().__init__()
        self._cut = cut

    def write(self, data: object) -> int:
        assert callable(self._cut)
        self._cut()
        return super().write(data)  # type: ignore[arg-type]


def test_an_engine_lost_in_the_middle_is_never_an_exit_code(
    box: DockerSandbox, proxy: EngineProxy
) -> None:
    with pytest.raises(SandboxError) as caught:
        box.run(TALK, timeout=20, sink=Cutter(proxy.lose))
    assert caught.value.finding == "sandbox.engine_lost"
    found = box.trouble()
    assert found is not None
    assert found.finding == "sandbox.engine_lost"
    with pytest.raises(SandboxError):
        box.destroy()


def test_a_cut_stream_of_a_command_that_succeeded_is_not_a_success(
    box: DockerSandbox, proxy: EngineProxy
) -> None:
    assert box.run(TALK, timeout=20).stdout == "one\ntwo\n"
    sink = Cutter(proxy.cut)
    with pytest.raises(SandboxError) as caught:
        box.run(TALK, timeout=20, sink=sink)
    assert caught.value.finding == "sandbox.engine_lost"
    assert b"two" not in sink.getvalue()
    assert box.trouble() is None, "the engine answers again"


def test_a_feed_that_fails_is_its_owners_error(box: DockerSandbox) -> None:
    def feed() -> Iterator[bytes]:
        yield b"some"
        raise OSError(5, "the disk of the backup")

    with pytest.raises(OSError, match="the disk of the backup"):
        box.run(Command(argv=("cat",)), timeout=20, feed=feed())


def test_looking_is_quick_when_no_engine_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(tmp_path / "s"))
    silent.listen(8)
    for host in ("unix:///nowhere.sock", f"unix://{tmp_path}/s", "tcp://127.0.0.1:9"):
        monkeypatch.setenv("DOCKER_HOST", host)
        began = time.monotonic()
        found = DockerProvider().look(an_order())
        assert time.monotonic() - began < 3
        assert not found.ok
        assert "engine" in found.reason
        assert "--provider process" in found.mend
        with pytest.raises(SandboxError):
            DockerProvider().sweep(lambda owner: True)
    silent.close()


def test_an_image_that_cannot_be_pulled_says_what_to_do(
    docker_engine: DockerClient, journal: Journal
) -> None:
    order = replace(an_order(), image="localhost:9/nothing/postgres:15")
    found = DockerProvider().look(order)
    assert not found.ok
    with pytest.raises(SandboxError) as caught:
        DockerProvider().create(order, journal)
    assert caught.value.finding == "sandbox.image_missing"
    assert "localhost:9/nothing/postgres:15" in caught.value.message
    assert "docker pull localhost:9/nothing/postgres:15" in caught.value.hint
    assert caught.value.observed


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_a_marked_stream_passes_all_and_only_what_was_said(size: int) -> None:
    said = b"a\0b\0tok\0token" + b"x" * 50 + b"\0"
    whole = said + b"\0token:3\n"
    heard = bytearray()
    stream = MarkedStream("token", heard.extend)
    for at in range(0, len(whole), size):
        assert stream.exit_code is None
        stream.add(whole[at : at + size])
    assert (bytes(heard), stream.exit_code) == (said, 3)
    cut = MarkedStream("token", lambda chunk: None)
    cut.add(whole[:-1])
    assert cut.exit_code is None


def test_two_tools_at_once_keep_their_streams_apart(box: DockerSandbox) -> None:
    heard: dict[int, str] = {}

    def say(number: int) -> None:
        echo = f"for i in 1 2 3 4 5; do echo {number}; done"
        heard[number] = box.run(Command(argv=("sh", "-c", echo)), timeout=20).stdout

    threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {number: f"{number}\n" * 5 for number in range(4)}
