"""The same lab in a container."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import an_order
from tests.lab.small_lab import a_lab

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker


def test_a_lab_in_a_container_is_lost_and_gone(docker_engine: DockerClient, tmp_path: Path) -> None:
    image = an_order().image
    for lab in a_lab(tmp_path / "lab", provider="docker", image=image, form="directory"):
        lab.wait_until_warm(timedelta(seconds=1), lambda line: None)
        state = lab.state()
        label: dict[str, str | list[str] | bool] = {"label": f"drillctl.run={state.run_id}"}
        assert len(docker_engine.containers.list(all=True, filters=label)) == 1
        lab.lose_primary()
        assert state.newest_backup is not None
        assert (lab.backups / state.newest_backup.name / "toc.dat").stat().st_size > 0
        assert docker_engine.containers.list(all=True, filters=label) == []
        assert lab.state().left == ()
