"""debrief.md and annotations: nothing quoted means anything to Markdown or to a runner."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from drillctl.debrief import github
from drillctl.debrief.markdown import render
from drillctl.debrief.markdown_text import safe
from tests.debrief.examples import EXAMPLES, told

READER = MarkdownIt("gfm-like", {"linkify": False})


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_fits_a_job_summary_and_its_tables_are_whole(name: str) -> None:
    text = render(told(name))
    assert len(text.encode()) < 1 << 20
    assert text.count("<details>") == text.count("</details>")
    html = READER.render(text)
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        widths = {
            row.count("<td") + row.count("<th>") + row.count("<th ")
            for row in table.split("</tr>")[:-1]
        }
        assert len(widths) == 1, table[:500]
    assert "| |" not in re.sub(r"<[^>]*>", "", html)


def test_what_it_quotes_stays_text() -> None:
    text = render(told("hostile"))
    html = READER.render(text)
    outside = re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)
    for sign in ("<script", "<img", "<a ", "<em>", "<b>"):
        assert sign not in outside, sign
    assert "&lt;script&gt;" in html
    assert "@everyone" not in text.partition("```")[0]


@pytest.mark.parametrize(
    "text",
    ["a|b", "`x`", "*x*", "_x_", "[a](b)", "<b>", "&lt;", "~~x~~", "$x$", "#1", "\\|", "a\nb"],
)
def test_safe_text_reads_as_it_was(text: str) -> None:
    (token,) = (each for each in READER.parse(f"| {safe(text)} |\n|---|\n") if each.children)
    assert token.children is not None
    assert all(child.type in {"text", "text_special"} for child in token.children)
    assert "".join(child.content for child in token.children) == " ".join(text.split())


def test_a_definition_cannot_leave_its_block() -> None:
    record = told("passed")
    drill = record.drill.model_copy(update={"definition": "a\n````\n# out\n`````\n"})
    html = READER.render(render(record.model_copy(update={"drill": drill})))
    assert "<h1>" not in html


def test_a_pass_has_no_annotation_and_a_failure_names_each_reason() -> None:
    assert github.annotations(told("passed")) == ()
    lines = github.annotations(told("failed"))
    assert lines[0] == (
        "::error title=ledger-restore%3A failed::"
        "14 transfers do not balance to zero (and 6 more reasons)."
    )
    assert lines[1].startswith(
        "::error title=14 transfers do not balance to zero::expected: debits"
    )
    assert "%0Awhat to do: compare these transfers" in lines[1]
    assert any(line.startswith("::warning title=a check was stopped") for line in lines)
    assert any(line.startswith("::error title=check failed%3A ledger balances") for line in lines)
    assert not any("pg_stat_statements" in line for line in lines)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_annotation_is_one_command_whatever_it_quotes(name: str) -> None:
    for line in github.annotations(told(name)):
        assert re.fullmatch(r"::(error|warning) title=[^\r\n:,]*::[^\r\n]*", line), line
        assert re.search(r"%(?!25|0A|0D|3A|2C)", line) is None, line
