"""What every sandbox promises, tried on every provider in the catalogue."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from drillctl.clock import Deadline
from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal, read_journal
from drillctl.evidence.owner import Owner, is_alive
from drillctl.sandbox.catalogue import PROVIDERS
from drillctl.sandbox.contract import Mount, Order, Provider, Sandbox
from drillctl.sandbox.providers.process_cell import method_here
from drillctl.sandbox.settings import known_to, loading, neutral, serving, shown

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize(
        "provider",
        [pytest.param(n, marks=pytest.mark.docker if n == "docker" else ()) for n in PROVIDERS],
        indirect=True,
        scope="module",
    ),
]

MIB = 1 << 20
# What this kind of machine cannot prove, by provider; everything else must have held.
UNPROVED = {"process": set() if os.geteuid() == 0 else {"memory limit"}}
LIST_PROCESSES = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done 2> /dev/null"
OWN_ROOT = method_here() in ("namespaces", "user")
Make = Callable[..., Sandbox]


@pytest.fixture(scope="module")
def provider(request: pytest.FixtureRequest) -> Provider:
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
    return PROVIDERS[request.param]()


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file that only its owner may read."""
    folder = tmp_path_factory.mktemp("backup")
    (folder / "a.dump").write_text("precious")
    (folder / "a.dump").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that anybody may write to: only the mount itself can refuse."""
    folder = tmp_path_factory.mktemp("loose")
    (folder / "a.dump").write_text("precious")
    (folder / "a.dump").chmod(0o666)
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def box(
    provider: Provider, backup: Path, loose: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """One running sandbox that the harmless tests share."""
    folder = tmp_path_factory.mktemp("shared")
    mounts = (Mount(host=backup), Mount(host=loose))
    journal = Journal(folder / "journal.jsonl")
    made = provider.create(an_order("shared", mounts=mounts), journal)
    try:
        made.start(loading(512 * MIB, 1))
        yield made
    finally:
        left = made.destroy()
        journal.close()
    assert left == ()
    assert undone(folder / "journal.jsonl")


@pytest.fixture
def make(provider: Provider, journal: Journal) -> Iterator[Make]:
    """Make sandboxes of one's own; they are gone afterwards."""
    made: list[Sandbox] = []

    def start(order: Order) -> Sandbox:
        made.append(provider.create(order, journal))
        made[-1].start(loading(order.memory, order.cpus))
        return made[-1]

    yield start
    assert [one.destroy() for one in made] == [() for _ in made]


def an_order(
    role: str,
    *,
    memory: int = 512 * MIB,
    timeout: float = 600,
    mounts: tuple[Mount, ...] = (),
    disk_needed: int = 0,
) -> Order:
    return Order(
        run_id=f"contract-{os.getpid()}-{time.monotonic_ns()}",
        role=role,
        major=None,
        newer_ok=True,
        image=os.environ.get("DRILLCTL_TEST_IMAGE", "drillctl-test/postgres:15"),
        cpus=1,
        memory=memory,
        timeout=timedelta(seconds=timeout),
        mounts=mounts,
        disk_needed=disk_needed,
    )


def session(box: Sandbox) -> contextlib.closing[psycopg.Connection[tuple[object, ...]]]:
    to = box.endpoint
    return contextlib.closing(
        psycopg.connect(
            host=str(to.socket_dir),
            port=to.port,
            user=to.user,
            password=to.password,
            dbname="postgres",
            autocommit=True,
        )
    )


def ask(box: Sandbox, sql: str) -> object:
    with session(box) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0]


def shell(box: Sandbox, script: str, timeout: float = 20) -> int | None:
    return box.run(Command(argv=("sh", "-c", script)), timeout=timeout).exit_code


def eventually(true: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = Deadline(seconds)
    while not deadline.passed:
        if true():
            return True
        time.sleep(0.05)
    return true()


def undone(path: Path) -> bool:
    """Every effect that the journal intended, it also took back."""
    entries = read_journal(path).entries
    made = {(e.data["effect"], e.data["name"]) for e in entries if e.kind == "effect_intended"}
    back = {(e.data["effect"], e.data["name"]) for e in entries if e.kind == "effect_undone"}
    return bool(made) and made == back


def test_the_server_runs_with_neutral_settings_and_its_own_word(box: Sandbox) -> None:
    expected = shown(known_to(box.major, neutral(box.endpoint.nonce)))
    assert {name: ask(box, f"show {name}") for name in expected} == expected
    assert ask(box, "show fsync") == "off"


def test_the_password_is_shown_nowhere(box: Sandbox) -> None:
    password = box.endpoint.password
    assert len(password) >= 24
    assert password not in repr(box.endpoint)
    with session(box):
        for file in ("cmdline", "environ"):
            for process in Path("/proc").glob(f"[0-9]*/{file}"):
                with contextlib.suppress(OSError):
                    assert password.encode() not in process.read_bytes(), process


def test_a_wrong_password_is_refused(box: Sandbox) -> None:
    script = f"PGPASSFILE=/dev/null PGPASSWORD=wrong exec {box.tool('psql')} -c 'select 1'"
    assert shell(box, script) == 2
    assert shell(box, f"exec {box.tool('psql')} -c 'select 1'") == 0


def test_a_tools_exit_code_and_words_come_out(box: Sandbox) -> None:
    heard: list[str] = []
    script = "echo out; echo one >&2; echo two >&2; exit 3"
    done = box.run(Command(argv=("sh", "-c", script)), timeout=20, on_stderr=heard.append)
    assert (done.exit_code, done.stdout, heard) == (3, "out\n", ["one", "two"])
    assert done.command.argv == ("sh", "-c", script)


class Counter:
    def __init__(self) -> None:
        self.bytes = 0

    def write(self, chunk: bytes) -> int:
        self.bytes += len(chunk)
        return len(chunk)


def test_fifty_megabytes_pass_through_without_being_kept(box: Sandbox) -> None:
    chunk, sink = b"x" * 65536, Counter()
    tracemalloc.start()
    done = box.run(
        Command(argv=("cat",)),
        timeout=60,
        feed=(chunk for _ in range(800)),
        sink=sink,  # type: ignore[arg-type]
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (done.exit_code, sink.bytes) == (0, 800 * 65536)
    assert peak < 8 * MIB


def test_a_deadline_kills_the_tool_inside_and_its_session(box: Sandbox) -> None:
    psql = box.tool("psql")
    before = time.monotonic()
    done = box.run(Command(argv=(psql, "-c", "select pg_sleep(98.76)")), timeout=1)
    assert (done.exit_code, done.timed_out) == (None, True)
    assert time.monotonic() - before < 10
    seen = f"{LIST_PROCESSES} | grep -q '{psql} .*pg_slee[p](98.76)'"
    assert shell(box, seen) == 1
    sessions = "select count(*) from pg_stat_activity where query like 'select pg_sleep(98.76)%'"
    assert eventually(lambda: ask(box, sessions) == 0)


@pytest.mark.parametrize("which", ["backup", "loose"])
def test_mounts_are_read_and_not_written(
    box: Sandbox, which: str, request: pytest.FixtureRequest
) -> None:
    if which == "loose" and box.provider == "process" and not OWN_ROOT:
        pytest.skip("NOT TESTED: without namespaces a mount cannot be made read-only")
    backup: Path = request.getfixturevalue(which)
    inside = box.inside(backup / "a.dump")
    done = box.run(Command(argv=("cat", inside)), timeout=20)
    assert done.stdout == "precious"
    assert shell(box, f"echo spoiled > {inside}") not in (0, None)
    assert shell(box, f"echo new > {box.inside(backup)}/b.dump") not in (0, None)
    assert shell(box, f"rm -f {inside}; test -e {inside}") == 0
    assert (backup / "a.dump").read_text() == "precious"
    assert [path.name for path in backup.iterdir()] == ["a.dump"]
    with pytest.raises(ValueError, match="not under a mount"):
        box.inside(Path("/etc/passwd"))


def test_every_isolation_held_when_tried_from_inside(box: Sandbox) -> None:
    if box.provider == "process" and not OWN_ROOT:
        pytest.skip("NOT TESTED: this machine allows no namespaces")
    facts = box.facts()
    assert (facts.name, facts.provider) == (box.name, box.provider)
    assert str(box.major) == facts.server_version.split(".")[0]
    let_through = [(p.name, p.detail) for p in facts.isolation if p.held is False]
    assert not let_through
    unproved = {p.name for p in facts.isolation if p.held is None}
    assert unproved <= UNPROVED.get(box.provider, set())
    assert len(facts.isolation) >= 12


def test_a_restart_changes_settings_and_keeps_data(make: Make) -> None:
    box = make(an_order("restart"))
    with session(box) as connection:
        connection.execute("create table kept as select 42 as answer")
        connection.execute("alter system set archive_mode = 'on'")
        connection.execute("alter system set work_mem = '1234kB'")
    box.stop()
    assert box.trouble() is None
    box.stop()
    box.start({**serving(512 * MIB, 1), "archive_mode": "on"})
    assert ask(box, "select answer from kept") == 42
    assert ask(box, "show fsync") == "on"
    assert ask(box, "show archive_mode") == "off"


def test_a_killed_server_is_the_sandboxes_trouble(make: Make) -> None:
    box = make(an_order("kill"))
    assert box.trouble() is None
    box.kill()
    found = box.trouble()
    assert found is not None
    assert found.finding == "sandbox.server_gone"
    with pytest.raises(psycopg.OperationalError):
        ask(box, "select 1")


def test_destroyed_is_gone_and_may_be_said_twice(provider: Provider, journal: Journal) -> None:
    box = provider.create(an_order("destroy"), journal)
    with pytest.raises(SandboxError):
        _ = box.endpoint
    box.start({})
    sockets = box.endpoint.socket_dir
    began = time.monotonic()
    assert box.destroy() == ()
    assert time.monotonic() - began < 8
    assert not sockets.exists()
    assert box.destroy() == ()
    assert undone(journal.path)
    with pytest.raises(SandboxError):
        box.run(Command(argv=("true",)), timeout=5)


def test_two_at_once_do_not_meet(box: Sandbox, make: Make) -> None:
    if box.provider == "process" and not OWN_ROOT:
        pytest.skip("NOT TESTED: without namespaces two of one account see each other")
    other = make(an_order("other"))
    assert other.name != box.name
    assert other.endpoint.nonce != box.endpoint.nonce
    assert other.endpoint.password != box.endpoint.password
    sleep = Command(argv=("sleep", "98765.4"))
    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(box.run, sleep, timeout=3)
        seen = f"{LIST_PROCESSES} | grep -q 'sleep 98765.[4]'"
        assert eventually(lambda: shell(box, seen) == 0)
        assert shell(other, seen) == 1
        assert sleeping.result().timed_out
    with session(box) as connection:
        connection.execute("create table only_here ()")
    found = "select count(*) from pg_class where relname = 'only_here'"
    assert (ask(box, found), ask(other, found)) == (1, 0)
    # Its socket cannot be reached from the other's inside, though its path and password are known.
    there = box.endpoint
    script = (
        f"PGPASSFILE=/dev/null PGPASSWORD={there.password} PGHOST={there.socket_dir} "
        f"exec {other.tool('psql')} -Atc {shlex.quote(found)}"
    )
    done = other.run(Command(argv=("sh", "-c", script)), timeout=20)
    assert done.stdout.strip() != "1"


def test_it_ends_by_itself_at_its_time_limit(make: Make) -> None:
    box = make(an_order("expire", timeout=4))

    def is_gone() -> bool:
        try:
            ask(box, "select 1")
        except psycopg.OperationalError:
            return True
        return False

    assert eventually(is_gone, 20)
    assert eventually(lambda: box.trouble() is not None)
    found = box.trouble()
    assert found is not None
    assert found.finding == "sandbox.expired"
    with pytest.raises(SandboxError) as caught:
        box.run(Command(argv=("true",)), timeout=5)
    assert caught.value.finding == "sandbox.expired"


def test_out_of_memory_is_named_even_though_the_server_comes_back(make: Make) -> None:
    box = make(an_order("memory", memory=192 * MIB))
    if any(one.name == "memory limit" and not one.held for one in box.facts().isolation):
        pytest.skip("NOT TESTED: memory cannot be limited here")
    psql = Command(argv=(box.tool("psql"), "-c", "select length(repeat('x', 900000000))"))
    assert box.run(psql, timeout=60).exit_code != 0
    found = box.trouble()
    assert found is not None
    assert found.finding == "sandbox.oom"


def test_an_order_larger_than_the_disk_is_refused(provider: Provider, journal: Journal) -> None:
    order = an_order("huge", disk_needed=1 << 60)
    assert not provider.look(order).ok
    with pytest.raises(SandboxError) as caught:
        provider.create(order, journal)
    assert caught.value.finding == "sandbox.disk_full"
    assert "TiB" in caught.value.expected


CHILD = """
import sys
from datetime import timedelta
from pathlib import Path
from drillctl.evidence.journal import Journal
from drillctl.sandbox.catalogue import PROVIDERS
from drillctl.sandbox.contract import Order
name, run_id, image, journal = sys.argv[1:]
order = Order(run_id=run_id, role="orphan", major=None, newer_ok=True, image=image, cpus=1,
              memory=512 << 20, timeout=timedelta(minutes=5))
box = PROVIDERS[name]().create(order, Journal(Path(journal)))
box.start({})
print(box.endpoint.socket_dir, flush=True)
sys.stdin.read()
"""


def test_sweep_removes_what_a_killed_owner_left_and_nothing_else(
    provider: Provider, box: Sandbox, tmp_path: Path
) -> None:
    order = an_order("orphan")
    argv = [sys.executable, "-c", CHILD, provider.name, order.run_id, str(order.image)]
    argv.append(str(tmp_path / "journal.jsonl"))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = child.stdout.readline().strip()
        assert said, "the owner did not get as far as a running server"
        sockets = Path(said)
        assert sockets.is_dir()
        ours = {found.run_id for found in provider.sweep(_is_dead)}
        assert order.run_id not in ours
        assert sockets.is_dir()
        child.send_signal(signal.SIGKILL)
    found = [one for one in provider.sweep(_is_dead) if one.run_id == order.run_id]
    assert found
    assert all(one.removed for one in found)
    assert not sockets.exists()
    assert not [one for one in provider.sweep(_is_dead) if one.run_id == order.run_id]
    assert ask(box, "select 1") == 1


def _is_dead(owner: Owner) -> bool:
    return is_alive(owner) is False
