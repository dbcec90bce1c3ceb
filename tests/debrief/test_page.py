"""debrief.html: whole, self-contained, readable by everybody, and deaf to what it quotes."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from drillctl.debrief.html.page import render
from tests.debrief.examples import EXAMPLES, HOSTILE, told

VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})


class Reader(HTMLParser):
    """Collects elements and text; fails on a tag that does not close what was opened last."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, (tag, self._open[-3:])
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(params=sorted(EXAMPLES))
def page(request: pytest.FixtureRequest) -> str:
    return render(told(request.param))


def test_it_is_well_formed_and_asks_for_nothing(page: str) -> None:
    reader = Reader(page)
    tags = {tag for tag, _ in reader.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for tag, attributes in reader.elements:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("src", "href", "action", "xlink:href", "srcset", "style", "data"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert "@import" not in style
    assert re.findall(r"url\(([^#)][^)]*)\)", style) == []
    policy = [each["content"] for each in reader.all("meta") if "http-equiv" in each]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_it_is_accessible(page: str) -> None:
    reader = Reader(page)
    assert reader.all("html")[0]["lang"] == "en"
    assert len(reader.all("title")) >= 1
    levels = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in reader.elements:
        for wanted in attributes.get("aria-labelledby", "").split():
            assert wanted in ids, (tag, wanted)
        if tag == "svg" and "y" not in attributes:  # one inside another is as hidden as that
            assert attributes.get("aria-hidden") == "true" or attributes.get("role") == "img"
        if tag == "th":
            assert attributes.get("scope") in {"row", "col"}
        if tag == "use":
            assert attributes["href"].removeprefix("#") in ids
    for used in re.findall(r"url\(#([^)]+)\)", page):
        assert used in ids


def test_it_has_every_part(page: str) -> None:
    text = Reader(page).text
    for part in (
        "Against the promise",
        "RTA against RTO",
        "RPA against RPO",
        "Writes lost",
        "Findings",
        "Checks",
        "What was not tested",
        "Timeline",
        "The backup",
        "The sandbox",
        "definition",
        "Evidence",
        "Head hash",
        "drillctl 0.1.0",
    ):
        assert part in text, part


def test_colour_is_never_alone(page: str) -> None:
    """Each coloured verdict has its word and its icon."""
    words = re.findall(r'<span class="(?:badge|word) [^"]*">(.*?)</span>', page, re.DOTALL)
    assert words
    for inner in words:
        assert re.sub(r"<[^>]*>", "", inner).strip()


def test_it_is_light_and_dark_and_prints() -> None:
    page = render(told("passed"))
    for rule in ("prefers-color-scheme:dark", "@media print", "@page", "break-inside:avoid"):
        assert rule in page


def test_what_it_quotes_stays_text() -> None:
    page = render(told("hostile"))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{7*7}}" in page
    assert "49" not in Reader(page).text.partition("{{")[0]
    assert "http://x.invalid" in Reader(page).text
    assert HOSTILE not in page


def test_what_failed_is_said_in_order_with_what_to_do() -> None:
    text = Reader(render(told("failed"))).text
    story = (
        "Failed",
        "14 transfers do not balance to zero.",
        "at least 13.7s",
        "missed by 3.7s or more",
        "37 of 4,210 acknowledged transfers",
        "18,234.50 EUR",
        "Reconciles",
        "validate.unbalanced_transfers",
        "What to do compare these transfers",
        "1 failed",
        "ledger balances to zero",
        "Failover: nothing was promoted",
        "Destroyed: looked for and not found",
    )
    at = 0
    for part in story:
        at = text.index(part, at)


def test_nothing_known_is_said_to_be_unknown() -> None:
    text = Reader(render(told("empty"))).text
    for part in (
        "No check ran. Nothing about the restored data is known.",
        "No backup was chosen.",
        "No sandbox was made.",
        "No phase was entered.",
        "not measured",
        "no objective set",
        "It claims no more than the checks above.",
    ):
        assert part in text


def test_contrast_is_readable_in_both_schemes() -> None:
    """WCAG 2 AA: 4.5 to 1 for every text colour on what it stands on."""
    page = render(told("passed"))
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    light = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{3,6})\b", style.partition("@media")[0]))
    dark = dict(
        re.findall(
            r"--([a-z-]+):(#[0-9a-f]{3,6})\b",
            style.partition("prefers-color-scheme:dark")[2].partition("}}")[0],
        )
    )
    for scheme in (light, dark):
        pairs = [(ink, on) for ink in ("ink", "soft") for on in ("paper", "card", "none-tint")]
        for verdict in ("passed", "inconclusive", "failed"):
            pairs += [(verdict, "paper"), (verdict, "card"), (verdict, f"{verdict}-tint")]
        for ink, on in pairs:
            assert contrast(scheme[ink], scheme[on]) >= 4.5, (ink, on)


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
