"""Labs for the tests: in a folder of their own, gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from drillctl.lab.lab import Lab
from tests.lab.small_lab import MakeLab, lab_environment


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[MakeLab]:
    """Call it with `lab_environment`'s arguments, or `detach`; taken down at the end."""
    labs: list[Lab] = []

    def make(*, detach: bool = False, provider: str = "process", **shape: float | str) -> Lab:
        labs.append(Lab(tmp_path / "lab"))
        labs[-1] = Lab.bring_up(
            lab_environment(**shape),  # type: ignore[arg-type]
            folder=tmp_path / "lab",
            provider=provider,
            image=None,
            run_id=f"test-{uuid4().hex[:12]}",
            tell=lambda line: None,
            detach=detach,
        )
        return labs[-1]

    yield make
    for lab in labs:
        assert lab.down() == ()
