"""Which Postgres programs are found, and what is said when none fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillctl.errors import SandboxError
from drillctl.sandbox import binaries
from drillctl.sandbox.binaries import OPTION, PgBinaries, every_binaries, find_binaries


def have(*majors: tuple[int, str]) -> tuple[PgBinaries, ...]:
    return tuple(
        PgBinaries(path=Path(f"/{source}/{major}/bin"), major=major, version=f"{major}.1", source=s)
        for major, source in majors
        for s in (("wheel",) if source == "wheel" else ("machine",))
    )


@pytest.mark.parametrize(
    ("major", "newer_ok", "chosen"),
    [
        (15, False, 15),
        (15, True, 15),
        (14, True, 15),
        (16, True, 17),
        (18, False, 18),
        (None, True, 17),  # the machine's newest before the wheel's
        (14, False, None),
        (19, True, None),
    ],
)
def test_the_exact_major_or_else_the_next_newer_one(
    monkeypatch: pytest.MonkeyPatch, major: int | None, newer_ok: bool, chosen: int | None
) -> None:
    monkeypatch.delenv(OPTION, raising=False)
    there = have((15, "machine"), (17, "machine"), (18, "wheel"))
    monkeypatch.setattr(binaries, "every_binaries", lambda: there)
    if chosen is not None:
        assert find_binaries(major, newer_ok=newer_ok).major == chosen
        return
    with pytest.raises(SandboxError) as caught:
        find_binaries(major, newer_ok=newer_ok)
    assert caught.value.finding == "sandbox.no_postgres"
    assert "15.1" in caught.value.observed
    assert f"postgresql-{major}" in caught.value.hint


def test_an_option_that_does_not_fit_is_never_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(OPTION, str(tmp_path))
    with pytest.raises(SandboxError) as caught:
        find_binaries(None, newer_ok=True)
    assert str(tmp_path) in caught.value.observed


@pytest.mark.postgres
def test_what_is_found_says_its_own_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OPTION, raising=False)
    every = every_binaries()
    if not every:
        pytest.skip("NOT TESTED: no Postgres binaries on this machine")
    for one in every:
        assert one.version.split(".")[0] == str(one.major)
        assert Path(one.program("pg_restore")).is_file()
    monkeypatch.setenv(OPTION, str(every[-1].path))
    assert find_binaries(None, newer_ok=True).source == "option"
