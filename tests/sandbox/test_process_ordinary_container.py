"""Root in an ordinary container: no namespaces to be had, and no look into another account's
processes (no CAP_SYS_PTRACE). What is killed there is dead, and what is gone was looked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("setpriv") is None,
        reason="NOT TESTED: only root can give up root's capabilities",
    ),
]

# What Docker leaves to root in a container.
BOUNDS = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service"
    ",+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap"
)
BEGIN = """
import os, sys, time
from datetime import timedelta
from pathlib import Path
from drillctl.command import Command
from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers import process_cell, process_cgroup as cgroup
from drillctl.sandbox.providers import process_members as members
from drillctl.sandbox.providers.process import ProcessProvider
from drillctl.sandbox.providers.process_place import place_for
cgroup.folders = lambda name: ()  # which are read-only in a container
order = Order(run_id=sys.argv[1], role="here", major=None, newer_ok=True, image=None, cpus=1,
              memory=512 << 20, timeout=timedelta(minutes=5))
assert process_cell.method_here() == "account"
place = place_for(order.run_id, order.role)
box = ProcessProvider().create(order, Journal(Path(sys.argv[2])))
box.start({})
servers = members.server_pids(place)
def alive():
    return sorted(pid for pid in servers if members._is_running(pid))
"""
KILL = """
def segments():
    return Path("/proc/sysvipc/shm").read_text()
before = segments()
began = time.monotonic()
box.kill()
print(len(servers) > 3, alive(), time.monotonic() - began < 5, box.trouble().finding)
print(box.destroy(), before != segments())
"""
DESTROY = """
print(len(servers) > 3, box.destroy(), alive())
"""
BLIND = """
members._as_owner_of = lambda proc: (_ for _ in ()).throw(OSError())
from drillctl.sandbox.providers import process_server
process_server._KILL_SECONDS = 1
try:
    box.kill()
except SandboxError as error:
    print(error.finding)
print(len(box.destroy()), len(alive()) > 0)
for pid in alive():
    os.kill(pid, 3)  # its parent removes the shared memory
"""
CRASH = """
os._exit(7)
"""
SWEEP = """
import sys
from drillctl.sandbox.providers import process_members as members
from drillctl.sandbox.providers.process_place import place_for
from drillctl.sandbox.sweep import sweep
place = place_for(sys.argv[1], "here")
print(len(members.pids_of(place, ())) > 3)
print([found.removed for found in sweep() if found.run_id == sys.argv[1]])
print(members.pids_of(place, ()), place.folder.exists())
"""


def in_a_container(tmp_path: Path, script: str) -> tuple[int, list[str]]:
    argv = ["setpriv", f"--bounding-set={BOUNDS}", "--inh-caps=-all", "--", sys.executable]
    argv += ["-c", script, str(tmp_path), str(tmp_path / "journal.jsonl")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


def test_a_killed_server_is_dead(tmp_path: Path) -> None:
    assert in_a_container(tmp_path, BEGIN + KILL) == (
        0,
        ["True [] True sandbox.server_gone", "() True"],
    )


def test_a_destroyed_server_is_dead(tmp_path: Path) -> None:
    assert in_a_container(tmp_path, BEGIN + DESTROY) == (0, ["True () []"])


def test_a_server_that_cannot_be_seen_is_not_said_to_be_gone(tmp_path: Path) -> None:
    assert in_a_container(tmp_path, BEGIN + BLIND) == (0, ["sandbox.not_killed", "1 True"])


def test_sweep_finds_the_server_of_a_dead_owner(tmp_path: Path) -> None:
    assert in_a_container(tmp_path, BEGIN + CRASH) == (7, [])
    assert in_a_container(tmp_path, SWEEP) == (0, ["True", "[True]", "set() False"])
