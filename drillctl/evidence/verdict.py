"""Three-valued verdicts. The worst one wins, and nothing checked is not a pass."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    PASSED = "passed"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


class Status(StrEnum):
    """A room's part in a run. `not_run` says that the drill never got there or never asked."""

    PASSED = "passed"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"
    NOT_RUN = "not_run"


_RANK = {Verdict.PASSED: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAILED: 2}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of `verdicts`; inconclusive when there are none."""
    ranked = sorted(verdicts, key=_RANK.__getitem__)
    return ranked[-1] if ranked else Verdict.INCONCLUSIVE


def worse_status(one: Status, other: Status) -> Status:
    """The worse of two; anything that ran outweighs `not_run`."""
    if Status.NOT_RUN in {one, other}:
        return other if one == Status.NOT_RUN else one
    return Status(worst((Verdict(one), Verdict(other))))
