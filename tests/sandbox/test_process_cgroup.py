"""Limits are written and read back in the kernel's own words, for both cgroup versions.

The files are plain ones here; the real ones are tried by the contract test's out-of-memory case.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drillctl.sandbox.providers import process_cgroup as cgroup

NAME = "drillctl-00c0ffee"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root makes cgroups")


@pytest.fixture
def unified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like the root of cgroup v2."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (tmp_path / "cgroup.subtree_control").write_text("")
    monkeypatch.setattr(cgroup, "_ROOT", tmp_path)
    return tmp_path


def test_v2_limits(unified: Path) -> None:
    (folder,) = cgroup.folders(NAME)
    assert folder == unified / NAME
    assert cgroup.make((folder,), 1 << 28, 1.5) == (folder,)
    written = {path.name: path.read_text() for path in folder.iterdir()}
    assert written["memory.max"] == str(1 << 28)
    assert written["cpu.max"] == "150000 100000"
    assert int(written["pids.max"]) > 100
    assert (unified / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    assert cgroup.memory_limit((folder,)) == 1 << 28


def test_v2_counts_only_kills(unified: Path) -> None:
    folder = unified / NAME
    folder.mkdir()
    assert cgroup.oom_kills((folder,)) == 0
    (folder / "memory.events").write_text("low 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert cgroup.oom_kills((folder,)) == 2


def test_v1_counts_only_kills(tmp_path: Path) -> None:
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 1\noom_kill 4\n")
    assert cgroup.oom_kills((tmp_path,)) == 4


def test_where_the_kernel_refuses_nothing_is_said_to_be_limited(unified: Path) -> None:
    (unified / "cgroup.subtree_control").unlink()
    (unified / "cgroup.subtree_control").mkdir()  # writing to it fails
    assert cgroup.make((unified / NAME,), 1 << 28, 1) == ()
    assert cgroup.memory_limit(()) is None
    assert not (unified / NAME).exists()
