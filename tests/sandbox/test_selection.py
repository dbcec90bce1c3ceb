"""`auto` takes the first provider that can; a named one says why it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drillctl.errors import SandboxError
from drillctl.evidence.journal import Journal
from drillctl.evidence.owner import Owner
from drillctl.sandbox import selection, sweep
from drillctl.sandbox.contract import Availability, Leftover, Order, Sandbox


class Answering:
    """A provider that answers `look` and `sweep` as told."""

    def __init__(self, name: str, ok: bool) -> None:
        self.name = name
        self._ok = ok

    def look(self, order: Order) -> Availability:
        del order
        return Availability(ok=self._ok, reason="it is away", mend=f"start {self.name}")

    def describe(self, order: Order) -> tuple[str, ...]:
        raise NotImplementedError

    def create(self, order: Order, journal: Journal) -> Sandbox:
        raise NotImplementedError

    def sweep(self, is_dead: Callable[[Owner], bool]) -> tuple[Leftover, ...]:
        del is_dead
        if not self._ok:
            raise SandboxError("sandbox.engine_lost", "no engine answers")
        return ()


def provide(monkeypatch: pytest.MonkeyPatch, **can: bool) -> None:
    there = {name: lambda n=name, ok=ok: Answering(n, ok) for name, ok in can.items()}
    monkeypatch.setattr(selection, "PROVIDERS", there)
    monkeypatch.setattr(sweep, "PROVIDERS", there)


@pytest.mark.parametrize(
    ("docker", "process", "name", "chosen"),
    [
        (True, True, "auto", "docker"),
        (False, True, "auto", "process"),
        (True, True, "process", "process"),
        (False, True, "docker", None),
        (False, False, "auto", None),
        (True, True, "podman", None),
    ],
)
def test_the_best_that_can(
    monkeypatch: pytest.MonkeyPatch,
    order: Order,
    docker: bool,
    process: bool,
    name: str,
    chosen: str | None,
) -> None:
    provide(monkeypatch, docker=docker, process=process)
    if chosen is not None:
        assert selection.choose_provider(name, order).name == chosen
        return
    with pytest.raises(SandboxError) as caught:
        selection.choose_provider(name, order)
    assert caught.value.finding == "sandbox.unavailable"
    assert caught.value.hint


def test_a_provider_that_could_not_look_is_not_passed_over_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provide(monkeypatch, docker=False, process=True)
    (left,) = sweep.sweep()
    assert (left.kind, left.removed) == ("docker", False)
    assert "no engine" in left.detail
