"""Every renderer, over every example: pure, total, plain, and it says the verdict."""

from __future__ import annotations

import re

import pytest

from drillctl.debrief.catalogue import RENDERERS
from drillctl.debrief.headline import WORDS
from tests.debrief.examples import EXAMPLES, told

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)

pytestmark = [
    pytest.mark.parametrize("form", sorted(RENDERERS)),
    pytest.mark.parametrize("example", sorted(EXAMPLES)),
]


def test_renders_the_same_text_twice(form: str, example: str) -> None:
    record = told(example)
    assert RENDERERS[form].render(record) == RENDERERS[form].render(record)


def test_says_the_verdict_and_no_better_one(form: str, example: str) -> None:
    record = told(example)
    text = RENDERERS[form].render(record)
    word = WORDS[record.verdict]
    assert re.search(word, text, re.IGNORECASE)
    opening = text[: text.lower().index(word.lower())].lower()
    assert "passed" not in _visible(opening)


def _visible(html: str) -> str:
    return re.sub(r"<style>.*?</style>|<symbol.*?</symbol>|<[^>]*>", "", html, flags=re.DOTALL)


def test_holds_no_control_character(form: str, example: str) -> None:
    text = RENDERERS[form].render(told(example))
    assert UNSEEN.search(text) is None
    assert text.encode("utf-8").decode("utf-8") == text
    assert text.endswith("\n")


def test_writes_under_its_own_name(form: str, example: str) -> None:
    renderer = RENDERERS[form]
    assert renderer.name == form
    assert re.fullmatch(r"[a-z]+\.[a-z]+", renderer.file_name)
    assert len({each.file_name for each in RENDERERS.values()}) == len(RENDERERS), example
