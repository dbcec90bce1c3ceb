"""Plain text: what moves a cursor, reverses reading or breaks a file is gone; words stay."""

from __future__ import annotations

import random

import pytest

from drillctl.debrief.plain import one_line, plain, plain_record
from tests.debrief.examples import told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", "plain words"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;http://x.invalid\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\after", "after"),
        ("\x1b]52;c;never closed", "52;c;never closed"),
        ("\x1b(B\x1bMx\x1b", "x"),
        ("a\x00b\x08c\x7fd\x85e", "abcde"),
        ("one\r\ntwo\rthree\n\tfour", "one\ntwo\nthree\n\tfour"),
        ("\u202egnp.exe\u202c\u2066x\u2069\u200e", "gnp.exex"),
        ("a\u2028b\ufeffc", "abc"),
        ("\ud800\uffff", "\ufffd\ufffd"),
        ("مرحبا 数据 👩\u200d💻 é", "مرحبا 数据 👩\u200d💻 é"),
    ],
)
def test_what_is_kept_and_what_goes(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_plain_is_idempotent_and_encodable_for_any_text() -> None:
    numbers = random.Random(20261124)
    signs = "\x1b[]()0;31mPX^_\\\x07\x9b\x9c\x9d\x90\n\r\t ab\u202e\ud800é数"
    for _ in range(3000):
        text = "".join(numbers.choice(signs) for _ in range(numbers.randrange(1, 25)))
        once = plain(text)
        assert plain(once) == once, repr(text)
        assert not set(once) & set("\x1b\x07\x9b\x9c\x9d\x90\r\u202e\ud800"), repr(text)
        once.encode("utf-8")


def test_one_line_is_cut_with_an_ellipsis() -> None:
    assert one_line(" a\n b\t c ") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"


@pytest.mark.parametrize("name", ["passed", "failed", "killed", "empty"])
def test_a_decent_record_is_left_as_it_is(name: str) -> None:
    record = told(name)
    assert plain_record(record) == record
