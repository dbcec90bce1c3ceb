"""The process sandbox says what held: on a machine that isolates, and on one that does not."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Mount, Order
from drillctl.sandbox.providers import process_cell
from drillctl.sandbox.providers.process import ProcessProvider, ProcessSandbox
from drillctl.sandbox.providers.process_place import claims, place_for
from tests.conftest import way_in

pytestmark = pytest.mark.postgres

ROOT = os.geteuid() == 0
namespaces = pytest.mark.skipif(
    process_cell.method_here() not in ("namespaces", "user"),
    reason="NOT TESTED: this machine allows no namespaces",
)


def held(box: ProcessSandbox) -> dict[str, bool | None]:
    return {probe.name: probe.held for probe in box.facts().isolation}


def test_without_namespaces_every_probe_that_gets_through_says_so(
    monkeypatch: pytest.MonkeyPatch, order: Order, journal: Journal
) -> None:
    """The probes are detectors: here is the fault that each must see."""
    monkeypatch.setenv(process_cell.OPTION, "none")
    box = ProcessProvider().create(order, journal)
    try:
        box.start({})
        seen = held(box)
        let_through = {"a network interface but loopback", "connect to this host"}
        let_through |= {"see other processes", "write beside the sandbox"}
        assert {name for name in let_through if seen[name] is False} == let_through
        assert seen["be root"] is True
        assert seen["gain privileges"] is True
        assert seen["hold a capability"] is True
        assert seen["time limit"] is True
    finally:
        assert box.destroy() == ()


@namespaces
@pytest.mark.skipif(not ROOT, reason="NOT TESTED: only root gives each sandbox its own account")
def test_each_sandbox_has_an_account_of_its_own(order: Order, journal: Journal) -> None:
    first = ProcessProvider().create(order, journal)
    second = ProcessProvider().create(dataclasses.replace(order, role="second"), journal)
    try:
        show = Command(argv=("sh", "-c", "id -u; grep -E '^Cap|^NoNew|^Groups' /proc/self/status"))
        one, two = (box.run(show, timeout=10).stdout.split() for box in (first, second))
        assert one[0] != two[0]
        assert "0" not in (one[0], two[0])
        assert "CapBnd: 0000000000000000" in " ".join(one)
        assert "NoNewPrivs: 1" in " ".join(one)
        for box, uid in ((first, one[0]), (second, two[0])):
            inner = place_for(order.run_id, "test" if box is first else "second").inner
            assert str(inner.stat().st_uid) == uid
            assert stat.S_IMODE(inner.stat().st_mode) == 0o700
    finally:
        assert (first.destroy(), second.destroy()) == ((), ())


@namespaces
def test_inside_there_is_nothing_but_what_was_shown(order: Order, journal: Journal) -> None:
    box = ProcessProvider().create(order, journal)
    try:
        listed = box.run(Command(argv=("ls", "-A", "/")), timeout=10).stdout.split()
        system = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"}
        ours = {"proc", "dev", "tmp", "etc", "old", "var", "mnt"}
        assert set(listed) <= system | ours
        etc = box.run(Command(argv=("ls", "-A", "/etc")), timeout=10).stdout.split()
        assert set(etc) <= {"ld.so.cache", "alternatives", "localtime", "ssl", "passwd"}
        hidden = box.run(Command(argv=("ls", "-A", str(Path("/var/tmp")))), timeout=10)
        assert ".owner" not in hidden.stdout
        processes = "ls -d /proc/[0-9]* | wc -l"
        count = box.run(Command(argv=("sh", "-c", processes)), timeout=10).stdout
        assert int(count) <= 6
    finally:
        assert box.destroy() == ()


@pytest.mark.skipif(not ROOT, reason="NOT TESTED: only root has files its sandbox cannot read")
def test_a_backup_that_only_root_may_read_is_copied_and_left_as_it_was(
    order: Order, journal: Journal, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    backup.mkdir(mode=0o700)
    (backup / "a.dump").write_text("precious")
    (backup / "a.dump").chmod(0o600)
    order = dataclasses.replace(order, mounts=(Mount(host=backup),))
    assert any("copies" in line for line in ProcessProvider().describe(order))
    box = ProcessProvider().create(order, journal)
    try:
        read = box.run(Command(argv=("cat", box.inside(backup / "a.dump"))), timeout=10)
        assert read.stdout == "precious"
        assert stat.S_IMODE((backup / "a.dump").stat().st_mode) == 0o600
        assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    finally:
        assert box.destroy() == ()


def test_a_writable_mount_takes_a_backup_and_keeps_it(
    order: Order, journal: Journal, tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    order = dataclasses.replace(order, mounts=(Mount(host=way_in(backups), writable=True),))
    box = ProcessProvider().create(order, journal)
    try:
        script = f"echo kept > {box.inside(backups)}/a.dump"
        assert box.run(Command(argv=("sh", "-c", script)), timeout=10).exit_code == 0
    finally:
        assert box.destroy() == ()
    assert (backups / "a.dump").read_text() == "kept\n"


def test_a_mount_that_is_not_there_is_a_clear_error(
    order: Order, journal: Journal, tmp_path: Path
) -> None:
    order = dataclasses.replace(order, mounts=(Mount(host=tmp_path / "absent"),))
    with pytest.raises(SandboxError) as caught:
        ProcessProvider().create(order, journal)
    assert "absent" in caught.value.observed
    place = place_for(order.run_id, order.role)
    assert not place.folder.exists()
    assert not os.path.lexists(place.owner_link)


def test_a_name_that_is_taken_is_refused_and_left_alone(order: Order, journal: Journal) -> None:
    box = ProcessProvider().create(order, journal)
    try:
        with pytest.raises(SandboxError) as caught:
            ProcessProvider().create(order, journal)
        assert caught.value.finding == "sandbox.name_taken"
        assert box.run(Command(argv=("true",)), timeout=10).exit_code == 0
    finally:
        assert box.destroy() == ()


@pytest.mark.skipif(
    not ROOT or process_cell.method_here() != "namespaces",
    reason="NOT TESTED: a small disk is mounted as root in a namespace",
)
def test_a_disk_that_fills_up_is_named(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=110m,mode=0755 small {disk} && exec {sys.executable} -c"
    argv = ["unshare", "--mount", "sh", "-c", f'{mount} "$0"', FILL]
    env = os.environ | {"DRILLCTL_SANDBOX_DIR": str(disk), "JOURNAL": str(tmp_path / "j.jsonl")}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["failed", "sandbox.disk_full", "()"], done.stderr


FILL = """
import os
from datetime import timedelta
from pathlib import Path
from drillctl.command import Command
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers.process import ProcessProvider
order = Order(run_id="full", role="test", major=None, newer_ok=True, image=None, cpus=1,
              memory=512 << 20, timeout=timedelta(minutes=3))
box = ProcessProvider().create(order, Journal(Path(os.environ["JOURNAL"])))
box.start({})
sql = "create table t as select repeat(md5(n::text), 40) from generate_series(1, 200000) n"
done = box.run(Command(argv=(box.tool("psql"), "-c", sql)), timeout=90)
print("failed" if done.exit_code else "stored", (box.trouble() or done).finding, box.destroy())
"""


@pytest.mark.skipif(not ROOT, reason="NOT TESTED: only root can become an ordinary user")
def test_an_ordinary_user_gets_a_sandbox_too() -> None:
    """In a user namespace where those are allowed; then everything but a memory limit holds."""
    home = Path("/var/tmp") / f"drillctl-test-home-{os.getpid()}"
    for folder in (home, home / "run"):
        folder.mkdir()
        os.chown(folder, 65534, 65534)
    env = {"HOME": str(home), "DRILLCTL_SANDBOX_DIR": str(home), "PATH": os.environ["PATH"]}
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    argv = [*drop, sys.executable, "-B", "-c", ORDINARY, str(home / "run" / "journal.jsonl")]
    try:
        done = subprocess.run(
            argv, env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False
        )
        left = [path.name for path in home.iterdir() if path.name.startswith("drillctl-")]
    finally:
        shutil.rmtree(home)
    if "No module named 'drillctl'" in done.stderr:
        pytest.skip("NOT TESTED: an ordinary user cannot read this project's folder")
    if "NOT TESTED" in done.stdout:
        pytest.skip(done.stdout.strip())
    assert done.stdout.split("\n")[:3] == ["0", "memory limit", "()"], done.stderr
    assert left == []


ORDINARY = """
import sys
from datetime import timedelta
from pathlib import Path
from drillctl.command import Command
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers.process import ProcessProvider
from drillctl.sandbox.providers.process_cell import method_here
if method_here() != "user":
    print("NOT TESTED: this machine gives ordinary users no namespaces")
    sys.exit()
order = Order(run_id="ordinary", role="test", major=None, newer_ok=True, image=None, cpus=1,
              memory=512 << 20, timeout=timedelta(minutes=3))
box = ProcessProvider().create(order, Journal(Path(sys.argv[1])))
box.start({})
done = box.run(Command(argv=(box.tool("psql"), "-c", "select 1")), timeout=30)
print(done.exit_code)
print(*[probe.name for probe in box.facts().isolation if not probe.held], sep=", ")
print(box.destroy())
"""


def test_another_users_claim_proves_nothing(tmp_path: Path) -> None:
    if not ROOT:
        pytest.skip("NOT TESTED: only root can make another user's link")
    link = tmp_path / "drillctl-00000000.owner"
    raw = '{"owner": {"host": "h", "boot": "b", "pid": 1, "started": "1"}, "run_id": "r"}'
    link.symlink_to(raw)
    assert [claim.run_id for claim in claims(tmp_path)] == ["r"]
    os.chown(link, 65534, 65534, follow_symlinks=False)
    assert claims(tmp_path) == ()
