"""Labs for the tests: in a folder of their own, gone afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.small_lab import MakeLab, a_lab


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[MakeLab]:
    """Call it with the arguments of `a_lab`; every lab is taken down at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda **shape: stack.enter_context(
            contextlib.contextmanager(a_lab)(tmp_path / "lab", **shape)
        )
