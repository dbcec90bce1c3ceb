"""What a dump words anew is one wording; what differs in meaning stays different."""

from __future__ import annotations

import pytest

from drillctl.validate.wording import settled

BEFORE = "CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'it''s'::character varying])::text[])))"  # noqa: E501
AFTER = "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('it''s'::character varying)::text])))"  # noqa: E501


def test_before_a_dump_and_after_a_restore_are_one() -> None:
    assert settled(BEFORE) == settled(AFTER)
    assert settled(settled(AFTER)) == settled(AFTER)


@pytest.mark.parametrize(
    "other",
    [
        AFTER.replace("'x'", "'y'"),
        AFTER.replace("ANY", "ALL"),
        AFTER.replace("(a)", "(b)"),
        AFTER.replace("('x'::character varying)::text, ", ""),
        AFTER.replace("ARRAY[('x'::character varying)::text", "ARRAY['x'::text"),
    ],
)
def test_another_meaning_is_another_wording(other: str) -> None:
    assert settled(other) != settled(BEFORE)


@pytest.mark.parametrize("same", ["", "'a'::character varying", "ARRAY[1, 2]"])
def test_the_rest_is_left_alone(same: str) -> None:
    assert settled(same) == same
