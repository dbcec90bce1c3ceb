"""The doctor says of isolation what a drill will find, not which programs are installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillctl.orchestration.machine import capabilities
from drillctl.sandbox.providers import process_cell


def isolation(folder: Path) -> tuple[str, str]:
    found = next(one for one in capabilities(folder) if one.name == "process isolation")
    return found.state, found.detail


def test_namespaces_that_work_are_said_to_work(tmp_path: Path) -> None:
    if process_cell.method_here() not in ("namespaces", "user"):
        pytest.skip("NOT TESTED: this machine allows no namespaces")
    assert isolation(tmp_path)[0] == "ok"


def test_namespaces_that_are_refused_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(process_cell.OPTION, "none")
    state, detail = isolation(tmp_path)
    assert state == "missing"
    assert detail.startswith("no namespaces")
